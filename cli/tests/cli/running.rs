//! Runs the `emulator` command and reads its output.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Stdio},
};

use serde_json::Value;

use crate::program::program;

pub(crate) struct Running {
    pub(crate) child: Child,
    out: BufReader<ChildStdout>,
}

impl Running {
    pub(crate) fn start(args: &str) -> Self {
        let pipes = program(args).stdout(Stdio::piped()).spawn();
        let mut child = pipes.expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, out }
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("UTF-8");
        line
    }

    pub(crate) fn json(&mut self) -> Value {
        serde_json::from_str(&self.line()).expect("JSON")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

pub(crate) fn environment(started: &Value) -> HashMap<String, String> {
    serde_json::from_value(started["environment"].clone()).expect("an environment")
}
