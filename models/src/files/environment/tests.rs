use std::path::Path;

use super::*;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().copied().collect()
}

fn cache(pairs: &[(&str, &str)]) -> Option<PathBuf> {
    environment(pairs).cache_folder()
}

#[test]
fn the_cache_is_found_in_the_documented_order() {
    let mut pairs = vec![
        ("HF_HUB_CACHE", "/a"),
        ("HUGGINGFACE_HUB_CACHE", "/b"),
        ("HF_HOME", "/c"),
        ("XDG_CACHE_HOME", "/d"),
        ("HOME", "/e"),
    ];
    for expected in ["/a", "/b", "/c/hub", "/d/huggingface/hub", "/e/.cache/huggingface/hub"] {
        assert_eq!(cache(&pairs), Some(PathBuf::from(expected)));
        pairs.remove(0);
    }
    assert_eq!(cache(&pairs), None);
}

#[test]
fn a_blank_variable_is_unset() {
    for blank in ["", " ", "\t\n"] {
        let pairs = [("HF_HUB_CACHE", blank), ("HUGGINGFACE_HUB_CACHE", blank), ("HF_HOME", "/c")];
        assert_eq!(cache(&pairs), Some(PathBuf::from("/c/hub")), "{blank:?}");
        assert_eq!(cache(&[("HF_HOME", blank), ("XDG_CACHE_HOME", blank), ("HOME", blank)]), None);
    }
}

/// What huggingface_hub 1.x computes for the same variables; asked of its module `constants`.
#[test]
fn every_path_is_expanded_as_huggingface_hub_does() {
    let home = ("HOME", "/e");
    for (name, below) in [
        ("HF_HUB_CACHE", ""),
        ("HUGGINGFACE_HUB_CACHE", ""),
        ("HF_HOME", "/hub"),
        ("XDG_CACHE_HOME", "/huggingface/hub"),
    ] {
        for (value, expanded) in [
            ("~", "/e"),
            ("~/x", "/e/x"),
            ("$HOME", "/e"),
            ("$HOME/x", "/e/x"),
            ("${HOME}/x", "/e/x"),
            ("/a/$HOME/x", "/a//e/x"),
            ("/a/$SCRATCH-$SCRATCH", "/a/fast-fast"),
            ("/a/$UNSET/x", "/a/$UNSET/x"),
            ("/a/${UNSET}", "/a/${UNSET}"),
            ("/a/${HOME", "/a/${HOME"),
            ("/a/$", "/a/$"),
            ("/a/$$HOME", "/a/$/e"),
            ("/a/~", "/a/~"),
            ("~nobody-of-this-name/x", "~nobody-of-this-name/x"),
            ("/a/$ÄHOME", "/a/$ÄHOME"),
        ] {
            let found = cache(&[(name, value), home, ("SCRATCH", "fast")]);
            assert_eq!(found, Some(PathBuf::from(format!("{expanded}{below}"))), "{name}={value}");
        }
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("read");
    let user: Vec<&str> = users.lines().next().expect("a user").split(':').collect();
    let (name, folder) = (user[0], user[5].trim_end_matches('/'));
    let found = cache(&[("HF_HUB_CACHE", &format!("~{name}/x"))]);
    assert_eq!(found, Some(PathBuf::from(format!("{folder}/x"))), "the home of {name}");
    // The value of a variable is not expanded again.
    let twice = [("HF_HUB_CACHE", "$A"), ("A", "$B/x"), ("B", "/b")];
    assert_eq!(cache(&twice), Some(PathBuf::from("$B/x")));
    // But a cache in HF_HOME is expanded once more than HF_HOME.
    let twice = [("HF_HOME", "$A"), ("A", "$B/x"), ("B", "/b")];
    assert_eq!(environment(&twice).huggingface_home().as_deref(), Some(Path::new("$B/x")));
    assert_eq!(cache(&twice), Some(PathBuf::from("/b/x/hub")));
    let token = |pairs: &[(&str, &str)]| environment(pairs).token_file();
    assert_eq!(token(&[("HF_TOKEN_PATH", "$HOME/t"), home]), Some(PathBuf::from("/e/t")));
    assert_eq!(token(&[("HF_HOME", "${HOME}/h"), home]), Some(PathBuf::from("/e/h/token")));
}

#[test]
fn a_home_folder_may_be_the_root_and_must_be_known_for_a_tilde() {
    assert_eq!(cache(&[("HF_HOME", "~"), ("HOME", "/")]), Some(PathBuf::from("/hub")));
    assert_eq!(cache(&[("HF_HOME", "~/x")]), None);
    assert_eq!(cache(&[("HF_HOME", "~/x"), ("USERPROFILE", "/u")]), Some(PathBuf::from("/u/x/hub")));
    assert!(Environment::of_process().cache_folder().is_some());
}

#[test]
fn on_is_one_of_four_words() {
    for (value, on) in [
        ("1", true),
        ("True", true),
        ("yes", true),
        ("oN", true),
        (" 1\r\n", true),
        ("0", false),
        ("2", false),
        ("", false),
        ("off", false),
    ] {
        assert_eq!(environment(&[("X", value)]).is_on("X"), on, "{value}");
    }
}

#[test]
fn a_debug_text_has_no_value() {
    let text = format!("{:?}", environment(&[("HF_TOKEN", "hf_secret")]));
    assert!(text.contains("HF_TOKEN") && !text.contains("secret"), "{text}");
}
