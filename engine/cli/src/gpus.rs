//! NVIDIA GPUs in this machine, as Linux lists them, whether or not the program can use them.

use std::fs;
use std::path::Path;

/// The vendor in the PCI ids of NVIDIA's devices.
const NVIDIA: &str = "0x10de";
/// The start of the PCI class of display controllers.
const DISPLAY: &str = "0x03";

/// The names of NVIDIA's GPUs below `root`, which is `/`: by the driver if it is loaded, else by PCI, where
/// they only have numbers, else by their device files, as in a container.
pub(crate) fn nvidia(root: &Path) -> Vec<String> {
    let sources = [of_driver, of_pci, of_device_files];
    sources.into_iter().map(|source| source(root)).find(|found| !found.is_empty()).unwrap_or_default()
}

fn of_driver(root: &Path) -> Vec<String> {
    let name = |path: &Path| {
        let information = fs::read_to_string(path.join("information")).ok()?;
        let model = information.lines().find_map(|line| line.strip_prefix("Model:"))?;
        Some(model.trim().to_owned())
    };
    entries(&root.join("proc/driver/nvidia/gpus")).iter().filter_map(|path| name(path)).collect()
}

fn of_pci(root: &Path) -> Vec<String> {
    let name = |path: &Path| {
        let read = |file: &str| fs::read_to_string(path.join(file)).map(|text| text.trim().to_owned()).ok();
        let is_gpu = read("vendor")? == NVIDIA && read("class")?.starts_with(DISPLAY);
        is_gpu.then(|| format!("NVIDIA PCI device {}", read("device").unwrap_or_default()))
    };
    entries(&root.join("sys/bus/pci/devices")).iter().filter_map(|path| name(path)).collect()
}

fn of_device_files(root: &Path) -> Vec<String> {
    let number = |path: &Path| {
        let number = path.file_name()?.to_str()?.strip_prefix("nvidia")?;
        number.parse::<u32>().ok().map(|number| format!("/dev/nvidia{number}"))
    };
    entries(&root.join("dev")).iter().filter_map(|path| number(path)).collect()
}

/// The entries of a folder, sorted; empty if the folder does not exist.
fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    paths
}

/// What to say about `found` GPUs in a build with these features; nothing if the devices that can be used say
/// it already.
pub(crate) fn sentence(found: &[String], features: &[&str]) -> Option<String> {
    let names = found.join(", ");
    match (features.contains(&"cuda"), features.contains(&"metal"), found.is_empty()) {
        (true, ..) | (_, true, true) => None,
        (false, _, true) => Some("built without CUDA; no NVIDIA GPU was found".to_owned()),
        (false, _, false) => Some(format!(
            "built without CUDA, but there is one: {names}; build with --features cuda to use it (docs/cuda.md)"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            fs::write(path, text).expect("written");
        }
        root
    }

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        nvidia(machine(files).path())
    }

    #[test]
    fn a_gpu_is_found_by_driver_pci_or_device_file() {
        let information = "Model: \t\t NVIDIA H200\nIRQ: 1\n";
        let driver = ("proc/driver/nvidia/gpus/0000:01:00.0/information", information);
        let pci = [
            ("sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n"),
            ("sys/bus/pci/devices/0000:01:00.0/class", "0x030200\n"),
            ("sys/bus/pci/devices/0000:01:00.0/device", "0x2335\n"),
        ];
        let files = [("dev/nvidia0", ""), ("dev/nvidia1", ""), ("dev/nvidiactl", ""), ("dev/nvidia-uvm", "")];
        assert_eq!(found(&[driver, pci[0], pci[1], pci[2], files[0]]), ["NVIDIA H200"]);
        assert_eq!(found(&[pci[0], pci[1], pci[2], files[0]]), ["NVIDIA PCI device 0x2335"]);
        assert_eq!(found(&files), ["/dev/nvidia0", "/dev/nvidia1"]);
    }

    #[test]
    fn what_is_no_gpu_of_nvidia_is_not_counted() {
        assert!(found(&[]).is_empty());
        // A GPU of someone else, and NVIDIA's sound device.
        for (vendor, class) in [("0x1002", "0x030000"), ("0x10de", "0x040300")] {
            let device = "sys/bus/pci/devices/0000:01:00.0";
            let files = [(format!("{device}/vendor"), vendor), (format!("{device}/class"), class)];
            let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
            assert!(found(&files).is_empty(), "{vendor} {class}");
        }
    }

    #[test]
    fn a_build_without_cuda_says_whether_it_misses_something() {
        let gpu = ["NVIDIA H200".to_owned()];
        assert_eq!(sentence(&[], &[]).as_deref(), Some("built without CUDA; no NVIDIA GPU was found"));
        assert!(
            sentence(&gpu, &[]).is_some_and(|text| text.contains("there is one: NVIDIA H200; build with"))
        );
        assert_eq!((sentence(&gpu, &["cuda"]), sentence(&[], &["metal"])), (None, None));
    }
}
