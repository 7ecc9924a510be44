use std::fs;

use tempfile::TempDir;

use super::*;
use crate::files::HubOptions;

fn folder_with(files: &[(&str, &str)]) -> (TempDir, ModelFolder) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let folder = open(directory.path(), false).unwrap();
    (directory, folder)
}

fn open(path: &Path, follow_links: bool) -> Result<ModelFolder> {
    ModelFolder::resolve(
        path.to_str().unwrap(),
        &HubOptions { offline: true, follow_links, ..HubOptions::default() },
    )
}

#[test]
fn a_file_is_found_and_a_missing_one_is_none() {
    let (directory, folder) = folder_with(&[("1_Pooling/config.json", "{}")]);
    let path = directory.path().join("1_Pooling/config.json");
    assert_eq!(folder.file("1_Pooling/config.json").unwrap(), Some(path.clone()));
    assert_eq!(folder.file("./1_Pooling//config.json").unwrap(), Some(path));
    assert_eq!(folder.file("config.json").unwrap(), None);
    assert_eq!(folder.file("2_Dense/config.json").unwrap(), None);
    assert!(matches!(folder.required_file("config.json"), Err(Error::MissingFile { .. })));
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    let (_directory, folder) = folder_with(&[("config.json", "{}")]);
    for name in ["/etc/passwd", "../x", "a/../../x", "..", "", ".", "a\\..\\x", "a\0b"] {
        let error = folder.file(name).unwrap_err();
        assert!(matches!(error, Error::OutsideFolder { .. }), "{name:?}: {error}");
    }
}

#[test]
fn links_out_of_the_folder_are_refused_unless_they_are_followed() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("config.json"), "{}").unwrap();
    let (directory, folder) = folder_with(&[("real.json", "{}")]);
    symlink(outside.path(), directory.path().join("1_Pooling")).unwrap();
    symlink(outside.path().join("config.json"), directory.path().join("config.json")).unwrap();
    symlink("real.json", directory.path().join("inside.json")).unwrap();
    symlink("nothing", directory.path().join("dangling.json")).unwrap();
    for name in ["config.json", "1_Pooling/config.json", "1_Pooling/absent.json"] {
        let error = folder.file(name).unwrap_err();
        assert!(matches!(error, Error::LinkOutsideFolder { .. }), "{name}: {error}");
        assert_eq!(error.setting(), Some(crate::HubSetting::FollowLinks));
    }
    assert!(folder.file("inside.json").unwrap().is_some());
    assert!(matches!(folder.file("dangling.json"), Err(Error::Io { .. })));
    let trusting = open(directory.path(), true).unwrap();
    assert!(trusting.file("config.json").unwrap().is_some());
    assert!(trusting.file("1_Pooling/config.json").unwrap().is_some());
}

#[test]
fn pipes_folders_and_devices_are_refused_without_being_opened() {
    let (directory, folder) = folder_with(&[("model.safetensors/x", "")]);
    let made =
        std::process::Command::new("mkfifo").arg(directory.path().join("config.json")).status().unwrap();
    assert!(made.success());
    std::os::unix::fs::symlink("/dev/zero", directory.path().join("zero")).unwrap();
    let refused = |folder: &ModelFolder, name: &str| match folder.file(name).unwrap_err() {
        Error::NotAFile { kind, .. } => kind,
        other => panic!("{other}"),
    };
    assert_eq!(refused(&folder, "model.safetensors"), "a folder");
    assert_eq!(refused(&folder, "config.json"), "a pipe");
    assert_eq!(refused(&open(directory.path(), true).unwrap(), "zero"), "a device");
}

#[test]
fn json_errors_name_the_file_and_the_field() {
    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code)]
    struct Layer {
        size: u32,
    }
    let (_directory, folder) = folder_with(&[
        ("good.json", "\u{feff}[{\"size\": 3}]"),
        ("type.json", "[{\"size\": 3}, {\"size\": \"x\"}]"),
        ("missing.json", "[{}]"),
        ("trailing.json", "[] []"),
        ("empty.json", ""),
        ("pointer.json", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"),
        ("deep.json", &"[".repeat(100_000)),
    ]);
    let read = |name: &str| folder.read_json::<Vec<Layer>>(name, CONFIG_LIMIT);
    assert_eq!(read("good.json").unwrap().unwrap()[0].size, 3);
    assert!(read("absent.json").unwrap().is_none());
    let message = read("type.json").unwrap_err().to_string();
    assert!(message.contains("type.json, field [1].size: invalid type"), "{message}");
    assert!(read("missing.json").unwrap_err().to_string().contains("missing field `size`"));
    for name in ["trailing.json", "deep.json"] {
        assert!(matches!(read(name), Err(Error::Json { .. })), "{name}");
    }
    for (name, told) in
        [("empty.json", "is not JSON: it is empty"), ("pointer.json", "is a Git LFS pointer, not JSON")]
    {
        assert!(read(name).unwrap_err().to_string().ends_with(told), "{name}");
    }
    let value = folder.read_json::<serde_json::Value>("deep.json", CONFIG_LIMIT);
    assert!(value.unwrap_err().to_string().contains("recursion limit"));
}

#[test]
fn a_file_over_the_limit_is_refused_before_it_is_read() {
    let (directory, folder) = folder_with(&[]);
    let sparse = File::create(directory.path().join("config.json")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    let error = folder.read_json::<serde_json::Value>("config.json", CONFIG_LIMIT).unwrap_err();
    assert!(matches!(error, Error::TooLarge { bytes: 0x100_0000_0000, limit: CONFIG_LIMIT, .. }), "{error}");
}

#[test]
fn the_old_layout_has_the_transformer_in_a_subfolder() {
    let modules = r#"[{"idx": 0, "name": "0", "path": "0_Transformer",
        "type": "sentence_transformers.models.Transformer"}]"#;
    let with_modules = [("modules.json", modules), ("0_Transformer/config.json", "{}")];
    for files in [&with_modules[..], &with_modules[1..]] {
        let (directory, folder) = folder_with(files);
        assert_eq!(folder.transformer_prefix(), "0_Transformer");
        let expected = directory.path().join("0_Transformer/config.json");
        assert_eq!(folder.transformer_file("config.json").unwrap(), Some(expected));
    }
    let (_directory, folder) = folder_with(&[("config.json", "{}")]);
    assert_eq!(folder.transformer_prefix(), "");
}

#[test]
fn a_module_path_out_of_the_folder_is_refused_when_the_model_is_opened() {
    for path in ["../../etc", "/etc"] {
        let directory = tempfile::tempdir().unwrap();
        let modules =
            format!(r#"[{{"path": "{path}", "type": "sentence_transformers.models.Transformer"}}]"#);
        fs::write(directory.path().join("modules.json"), modules).unwrap();
        assert!(matches!(open(directory.path(), false), Err(Error::OutsideFolder { .. })), "{path}");
    }
}
