//! The command line, as the binary that users run, against the sandbox in this process.

mod calls;
mod completions;
mod doctor;
mod failures;
mod help;
mod program;
mod sandbox;
mod secrets;
mod verify;
