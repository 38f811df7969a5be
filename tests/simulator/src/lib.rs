//! A simulator of the Neon Auth management API.
