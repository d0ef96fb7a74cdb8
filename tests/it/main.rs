//! Real processes against the AWS stand-in: one file per concern. `docs/testing.md` says how to run them.

mod abuse;
mod clients;
mod declared;
mod dialogs;
mod house;
mod issue;
mod life;
mod mfa;
mod office;
mod races;
mod refresh;
mod setbacks;
mod shells;
mod siege;
mod store;
