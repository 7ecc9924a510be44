//! Choosing and downloading models: lists, `models pull`, what a terminal and a log show, NEARSAY_MODEL,
//! layers.

mod defaults;
mod downloads;
mod lists;
mod mistaken;

use std::process::Command;

use nearsay_tests::desk;
use nearsay_tests::hub::Hub;
use nearsay_tests::run::{Desk, Run, finish};

/// A folder with two texts.
fn desk() -> Desk {
    let desk = desk!();
    desk.write("in.txt", "a river\nthe cat\n").write("ref.txt", "the river\na cat\n");
    desk
}

/// The program with a cache in its folder and this hub.
fn command(desk: &Desk, hub: &Hub, line: &str) -> Command {
    let mut command = desk.command(line);
    command
        .env("HF_HUB_OFFLINE", "0")
        .env("HF_ENDPOINT", &hub.endpoint)
        .env("HF_HUB_CACHE", desk.path("cache"));
    for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "TRANSFORMERS_OFFLINE", "NEARSAY_MODEL"] {
        command.env_remove(name);
    }
    command.env("HF_TOKEN_PATH", desk.path("no-token"));
    command
}

fn run(desk: &Desk, hub: &Hub, line: &str) -> Run {
    finish(line, command(desk, hub, line), None)
}
