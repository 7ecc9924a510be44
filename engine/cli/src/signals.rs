//! SIGINT, SIGTERM and SIGHUP: the first signal asks the work to end cleanly, the second ends the process at
//! once.
//!
//! The work checks between micro-batches. If it cannot, for example while it waits for standard input, the
//! process ends after [`GRACE`]. No temporary file stays in either case. A server has its own time to end, and is
//! called instead, and reads its keys and models again at SIGHUP.
//!
//! If the system has no thread to wait for signals, the first signal still asks, but nothing ends work that
//! cannot check.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use nearsay::Cancel;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::failure;

/// Time that the work has to end cleanly.
const GRACE: Duration = Duration::from_secs(3);

/// The first signal that asked the work to end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interruption {
    /// Its number; 0 if there was none.
    number: Arc<AtomicUsize>,
    /// Set together with the number.
    flag: Arc<AtomicBool>,
    /// How to continue afterwards.
    hint: Arc<Mutex<Option<String>>>,
    /// Called with the first signal, instead of limiting the time to end.
    listener: Arc<Mutex<Option<Listener>>>,
    /// Called with SIGHUP.
    of_hangup: Arc<Mutex<Option<Listener>>>,
}

/// A function that a signal calls. Whether that is all that the signal does.
struct Listener(Box<dyn Fn() -> bool + Send>);

impl fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Listener")
    }
}

impl Interruption {
    /// The signal's number.
    pub(crate) fn signal(&self) -> usize {
        self.number.load(Ordering::Relaxed)
    }

    /// Sets how to continue after an interruption, which is printed then.
    pub(crate) fn set_hint(&self, hint: Option<String>) {
        *self.hint.lock().unwrap_or_else(PoisonError::into_inner) = hint;
    }

    /// How to continue after an interruption.
    pub(crate) fn hint(&self) -> Option<String> {
        self.hint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on, the first signal calls `listener`, and the work may take as long as it needs to end.
    #[cfg(any(feature = "mcp", feature = "serve"))]
    pub(crate) fn listen(&self, listener: impl Fn() + Send + 'static) {
        let call = move || {
            listener();
            true
        };
        set(&self.listener, Some(Listener(Box::new(call))));
    }

    /// From now on, SIGHUP calls `listener`, and is a signal to end only if that returns false.
    #[cfg(feature = "serve")]
    pub(crate) fn listen_for_hangup(&self, listener: impl Fn() -> bool + Send + 'static) {
        set(&self.of_hangup, Some(Listener(Box::new(listener))));
    }

    /// The token that cancels calls.
    pub(crate) fn cancel(&self) -> Cancel {
        Arc::clone(&self.flag).into()
    }
}

fn set(slot: &Mutex<Option<Listener>>, listener: Option<Listener>) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = listener;
}

/// Calls the listener, if there is one. Whether that is all that the signal does.
fn call(slot: &Mutex<Option<Listener>>) -> bool {
    let listener = slot.lock().unwrap_or_else(PoisonError::into_inner);
    listener.as_ref().is_some_and(|Listener(call)| call())
}

/// Installs the handlers once in a process; a later call starts without a signal.
pub(crate) fn install() -> anyhow::Result<Interruption> {
    static INSTALLED: OnceLock<Interruption> = OnceLock::new();
    if let Some(installed) = INSTALLED.get() {
        installed.number.store(0, Ordering::Relaxed);
        installed.flag.store(false, Ordering::Relaxed);
        installed.set_hint(None);
        set(&installed.listener, None);
        set(&installed.of_hangup, None);
        return Ok(installed.clone());
    }
    let interruption = install_handlers()?;
    Ok(INSTALLED.get_or_init(|| interruption).clone())
}

fn install_handlers() -> anyhow::Result<Interruption> {
    let interruption = Interruption::default();
    take_file_size_limit_as_error()?;
    let numbers = handled();
    if let Err(error) = wait_in_thread(&numbers, interruption.clone()) {
        tracing::info!("no thread waits for signals: {error}");
        for number in numbers {
            let install = || {
                flag::register_usize(number, Arc::clone(&interruption.number), number as usize)?;
                flag::register(number, Arc::clone(&interruption.flag))
            };
            install().context("cannot install a signal handler")?;
        }
    }
    Ok(interruption)
}

fn wait_in_thread(numbers: &[i32], asked: Interruption) -> io::Result<()> {
    let mut signals = Signals::new(numbers)?;
    let wait = move || {
        for signal in signals.forever() {
            if signal == SIGHUP && call(&asked.of_hangup) {
                continue;
            }
            if asked.number.swap(signal as usize, Ordering::Relaxed) != 0 {
                end(signal, &asked);
            }
            asked.flag.store(true, Ordering::Relaxed);
            if call(&asked.listener) {
                continue;
            }
            let late = asked.clone();
            let grace = move || {
                thread::sleep(GRACE);
                end(signal, &late);
            };
            // Without a thread to time it, end at once.
            if thread::Builder::new().spawn(grace).is_err() {
                end(signal, &asked);
            }
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}

/// Makes a file over the shell's size limit fail the write (EFBIG) instead of ending the process.
fn take_file_size_limit_as_error() -> anyhow::Result<()> {
    flag::register(signal_hook::consts::SIGXFSZ, Arc::default())
        .context("cannot install a signal handler")?;
    Ok(())
}

/// The signals that end the work; closing a terminal sends SIGHUP.
fn handled() -> Vec<i32> {
    let mut numbers = vec![SIGINT, SIGTERM];
    if !hangup_is_ignored() {
        numbers.push(SIGHUP);
    }
    numbers
}

/// Whether our parent process wants SIGHUP ignored, as nohup does. True if the system does not report it.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Bit n - 1 is signal n's, and SIGHUP is 1.
    mask.is_none_or(|mask| mask & 1 == 1)
}

fn end(signal: i32, interruption: &Interruption) -> ! {
    nearsay::vectors::write::remove_unfinished();
    failure::interrupted(interruption);
    std::process::exit(128 + signal)
}
