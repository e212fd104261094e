//! Token endpoints and networks at their worst, and a login among strangers.
