//! A shared library: where it is searched for, and how it is opened.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::OnceLock;

use crate::LibrariesMissing;

/// The driver's interface. It comes with the driver, not with the toolkit.
pub(crate) static DRIVER: Library = Library {
    name: "NVIDIA's driver",
    alternatives: &[&["libcuda.so.1"]],
    hint: "install a current driver from NVIDIA (nvidia-smi shows whether it works)",
    opened: OnceLock::new(),
};

/// cuBLAS and cuBLASLt, which must have the same version: libcublas calls functions of libcublasLt that are
/// not public.
pub(crate) static CUBLAS: Library = Library {
    name: "libcublas.so.13 (or .12)",
    alternatives: &[&["libcublasLt.so.13", "libcublas.so.13"], &["libcublasLt.so.12", "libcublas.so.12"]],
    hint: TOOLKIT,
    opened: OnceLock::new(),
};

/// cuRAND: candle opens a generator with every device.
pub(crate) static CURAND: Library = Library {
    name: "libcurand.so.10",
    alternatives: &[&["libcurand.so.10"]],
    hint: TOOLKIT,
    opened: OnceLock::new(),
};

/// The compiler of CUDA C++. candle calls it for kernels in source form; nearsay has none.
pub(crate) static NVRTC: Library = Library {
    name: "libnvrtc.so.13 (or .12)",
    alternatives: &[&["libnvrtc.so.13"], &["libnvrtc.so.12"]],
    hint: TOOLKIT,
    opened: OnceLock::new(),
};

/// candle's own library of kernels for quantized matrices and mixtures of experts. It is compiled with
/// candle, but left out of the link: it would pull in the CUDA runtime library, the C++ library and code that
/// runs when the program starts.
pub(crate) static MOE: Library = Library {
    name: "candle's kernels for quantized matrices",
    alternatives: &[],
    hint: "use weights that are not quantized",
    opened: OnceLock::new(),
};

const TOOLKIT: &str = "install the libraries of CUDA 13 or 12, or name their folders, separated by colons, in NEARSAY_CUDA_LIBRARIES";

/// A library, or several that are opened together.
pub(crate) struct Library {
    /// Its name in messages.
    pub(crate) name: &'static str,
    /// Sets of files, all of which must be opened in this order; the first set that can be opened is used.
    pub(crate) alternatives: &'static [&'static [&'static str]],
    /// How to fix it if it is missing.
    pub(crate) hint: &'static str,
    /// The result of opening it.
    pub(crate) opened: OnceLock<Result<Vec<Handle>, LibrariesMissing>>,
}

/// Opens the libraries that every use of CUDA needs.
pub(crate) fn load() -> Result<(), LibrariesMissing> {
    [&DRIVER, &CUBLAS, &CURAND].into_iter().try_for_each(|library| library.open().map(drop))
}

impl Library {
    /// Opens the library unless that was already tried.
    pub(crate) fn open(&self) -> Result<&[Handle], LibrariesMissing> {
        self.opened.get_or_init(|| self.find()).as_deref().map_err(Clone::clone)
    }

    /// The address of one of the library's functions.
    pub(crate) fn function(&self, name: &CStr) -> Result<NonNull<c_void>, LibrariesMissing> {
        let handles = self.open()?;
        let found = handles.iter().find_map(|handle| handle.function(name));
        found.ok_or_else(|| {
            let name = name.to_string_lossy();
            self.missing(format!(
                "it has no function {name}: it is of another version than this program was built for"
            ))
        })
    }

    /// Opens the first alternative that works.
    fn find(&self) -> Result<Vec<Handle>, LibrariesMissing> {
        let places = Places::of_environment();
        let mut refusals = Vec::new();
        for files in self.alternatives {
            match files.iter().map(|file| places.open(file)).collect() {
                Ok(handles) => return Ok(handles),
                Err(refusal) => refusals.push(refusal),
            }
        }
        let reason = Refusal::most_telling(refusals).map(|refusal| refusal.said);
        Err(self.missing(reason.unwrap_or_else(|| "they are left out of this program".to_owned())))
    }

    fn missing(&self, reason: String) -> LibrariesMissing {
        LibrariesMissing { library: self.name, reason, hint: self.hint }
    }
}

/// Folders to look in before and after the places that the system's loader knows.
pub(crate) struct Places {
    pub(crate) before: Vec<PathBuf>,
    pub(crate) after: Vec<PathBuf>,
}

impl Places {
    /// From the environment: the folders named by the user, and those of toolkits.
    fn of_environment() -> Self {
        let named = std::env::var_os("NEARSAY_CUDA_LIBRARIES").unwrap_or_default();
        // An empty name is not a folder.
        let before = std::env::split_paths(&named).filter(|folder| !folder.as_os_str().is_empty()).collect();
        let roots = ["CUDA_HOME", "CUDA_PATH"]
            .into_iter()
            .filter_map(std::env::var_os)
            .filter(|root| !root.is_empty());
        let roots = roots.map(PathBuf::from).chain([PathBuf::from("/usr/local/cuda")]);
        Self { before, after: roots.map(|root| root.join("lib64")).collect() }
    }

    /// Opens the first file of this name that can be opened.
    pub(crate) fn open(&self, file: &str) -> Result<Handle, Refusal> {
        let present = |folder: &PathBuf| Some(folder.join(file)).filter(|path| path.exists());
        let before = self.before.iter().filter_map(present);
        let after = self.after.iter().filter_map(present);
        let mut refusals = Vec::new();
        for path in before.chain([PathBuf::from(file)]).chain(after) {
            match Handle::open(&path) {
                Ok(handle) => return Ok(handle),
                Err(said) => {
                    refusals.push(Refusal { absent: said.starts_with(&format!("{file}: cannot open")), said })
                }
            }
        }
        Err(Refusal::most_telling(refusals).expect("the name alone was tried"))
    }
}

/// Why a file was not opened.
pub(crate) struct Refusal {
    /// The loader's message.
    pub(crate) said: String,
    /// No file of that name exists, or none is readable.
    absent: bool,
}

impl Refusal {
    /// The first refusal for a file that exists, or else the first.
    fn most_telling(mut refusals: Vec<Self>) -> Option<Self> {
        refusals.sort_by_key(|refusal| refusal.absent);
        refusals.into_iter().next()
    }
}

/// An open library. It stays open for the life of the process.
pub(crate) struct Handle(NonNull<c_void>);

// SAFETY: the C library's functions that take a handle may be called on any thread, and several at a time.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    /// Opens a file, or for a name without a slash the file that the system's loader finds. The error is the
    /// loader's message.
    fn open(path: &Path) -> Result<Self, String> {
        let path =
            CString::new(path.as_os_str().as_bytes()).map_err(|_| "its path holds a zero byte".to_owned())?;
        // SAFETY: `path` is a C string. Opening a library runs its initializers: they are NVIDIA's, as
        // linking would run them.
        let handle = unsafe { dlopen(path.as_ptr(), RTLD_NOW) };
        NonNull::new(handle).map(Self).ok_or_else(last_error)
    }

    /// The address of a function of this library, or of a library that it needs.
    fn function(&self, name: &CStr) -> Option<NonNull<c_void>> {
        // SAFETY: the handle is open and `name` is a C string.
        NonNull::new(unsafe { dlsym(self.0.as_ptr(), name.as_ptr()) })
    }
}

/// The loader's message for the last failed call on this thread.
fn last_error() -> String {
    // SAFETY: the function has no preconditions.
    let message = unsafe { dlerror() };
    if message.is_null() {
        return "the loader gives no reason".to_owned();
    }
    // SAFETY: the message is a C string that stays unchanged until this thread calls the loader again.
    let message = unsafe { CStr::from_ptr(message) };
    message.to_string_lossy().into_owned()
}

/// Looks up all functions that the library needs at once, so that a missing one is detected when it is
/// opened.
const RTLD_NOW: c_int = 2;

// SAFETY: declared as in dlfcn.h. The C library has these since glibc 2.34; before that, libdl has them,
// which std links.
unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dlerror() -> *const c_char;
}
