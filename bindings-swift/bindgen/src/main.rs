//! Reads what `tokenkeep-swift` exports from its static library, and writes the Swift, the C header and the module map
//! that call it. `scripts/pack-swift.sh` runs it.

fn main() {
    uniffi::uniffi_bindgen_swift();
}
