//! Tells the linker of each platform where Node's symbols come from.

fn main() {
    napi_build::setup();
}
