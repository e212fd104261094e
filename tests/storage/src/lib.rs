//! A store that is damaged, in the wrong place or in the wrong hands, and clocks that jump.
