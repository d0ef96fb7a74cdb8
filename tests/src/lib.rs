//! a

pub mod standin;
