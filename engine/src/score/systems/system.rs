//! A system whose outputs are scored.

use crate::score::TextSource;
use crate::text::Input;
use crate::{Error, Result};

/// The outputs of one system, one per row.
#[derive(Debug, Clone)]
pub struct System {
    /// Its name in results.
    pub name: String,
    /// Its outputs.
    pub texts: TextSource,
}

impl System {
    /// A system.
    pub fn new(name: &str, texts: TextSource) -> Self {
        Self { name: name.to_owned(), texts }
    }
}

/// The name of a system whose outputs are in `input`: that of the file without folders and extensions.
pub fn system_name(input: &Input) -> String {
    input.stem().unwrap_or_else(|| "standard input".to_owned())
}

/// Refuses two systems of one name, which could not be told apart in results.
///
/// # Errors
/// [`Error::Usage`] naming both inputs.
pub fn check_names(systems: &[System]) -> Result<()> {
    for (at, system) in systems.iter().enumerate() {
        if let Some(same) = systems[..at].iter().find(|other| other.name == system.name) {
            return Err(Error::usage_hint(
                format!(
                    "two systems have the name `{}`: {} and {}",
                    system.name,
                    same.texts.name(),
                    system.texts.name()
                ),
                "NAME=FILE gives a system another name",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_system_has_the_name_of_its_file_without_known_extensions() {
        for (file, name) in [
            ("a/system.txt", "system"),
            ("system.jsonl.gz", "system"),
            ("newstest2017.FBK.4870.en-de.txt", "newstest2017.FBK.4870.en-de"),
            ("v1.2", "v1.2"),
            (".txt", ".txt"),
            ("out.TSV.zst", "out"),
            ("page.html", "page"),
            ("..", ""),
        ] {
            assert_eq!(system_name(&Input::File(PathBuf::from(file))), name, "{file}");
        }
    }

    #[test]
    fn two_systems_need_two_names() {
        let system = |name: &str, file: &str| System::new(name, TextSource::of_texts(file, []));
        assert!(check_names(&[system("a", "1"), system("b", "1")]).is_ok());
        let error = check_names(&[system("a", "x/a.txt"), system("a", "y/a.txt")]).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
        assert_eq!(error.to_string(), "two systems have the name `a`: x/a.txt and y/a.txt");
    }
}
