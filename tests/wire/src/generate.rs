//! Valid messages out of a schema.
