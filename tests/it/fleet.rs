//! A fleet of processes.
