//! Processes and threads race for one grant: one refresh, whatever the mix.
