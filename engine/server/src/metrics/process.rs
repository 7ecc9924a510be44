//! The metrics that Prometheus expects of every process, from /proc. Elsewhere there are none.

use std::fmt::Write as _;
use std::fs;

/// Appends them.
pub(super) fn append(text: &mut String) {
    let samples = [
        ("process_cpu_seconds_total", "counter", "CPU time in seconds", cpu_seconds()),
        ("process_resident_memory_bytes", "gauge", "Resident memory in bytes", memory(1)),
        ("process_virtual_memory_bytes", "gauge", "Virtual memory in bytes", memory(0)),
        ("process_open_fds", "gauge", "Open file descriptors", open_files()),
        ("process_max_fds", "gauge", "Most open file descriptors", most_files()),
        ("process_start_time_seconds", "gauge", "Start time in seconds since 1970", start_seconds()),
    ];
    for (name, kind, help, value) in samples {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# HELP {name} {help}.\n# TYPE {name} {kind}\n{name} {value}");
        }
    }
}

/// A field of /proc/self/stat, counted from 1 as in proc(5).
fn stat(field: usize) -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field may have blanks, and ends with the last parenthesis.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(field - 3)?.parse().ok()
}

fn ticks() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

fn cpu_seconds() -> Option<f64> {
    Some((stat(14)? + stat(15)?) / ticks())
}

/// Pages in /proc/self/statm: 0 all, 1 resident ones.
fn memory(field: usize) -> Option<f64> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: f64 = pages.split(' ').nth(field)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as f64)
}

fn open_files() -> Option<f64> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count() as f64)
}

fn most_files() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn start_seconds() -> Option<f64> {
    let system = fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(boot + stat(22)? / ticks())
}
