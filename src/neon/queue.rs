//! Owns what a queued call is: which operations can be queued, what one makes of its arguments, and what
//! comes of an attempt, and when one may be made. All of it are functions of values: no table, no clock, no randomness of its own.

pub mod back_off;
pub mod call;
pub mod pace;
pub mod parcel;
pub mod verdict;
pub mod wake_up;
