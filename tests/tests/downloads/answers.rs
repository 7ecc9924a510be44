//! What is said of a hub's answers, and of what is between here and there.

use std::fs;

use nearsay_models::files::Token;
use nearsay_models::{HubOptions, Model};
use nearsay_tests::fixture;
use nearsay_tests::hub::{Behaviour, Hub, NAME};

use super::{STS, folder, options};

#[test]
fn a_hint_is_about_the_answer() {
    let token = |text| Token::new(text);
    for (status, page, with_token, message, hint) in [
        (401, "", None, "401", "HF_TOKEN"),
        (401, "", token("hf_x"), "401", "the token"),
        (403, "", token("hf_x"), "403", "terms"),
        (403, "", None, "403", "HF_TOKEN"),
        (404, "", None, "404", "spelling"),
        (407, "", None, "407", "proxy"),
        (429, "", None, "429", "with HF_TOKEN the limit is higher"),
        (429, "", token("hf_x"), "429", "wait some minutes"),
        (500, "", None, "500", "try again later"),
        (503, "<html>", None, "503", "try again later"),
        (200, "<!doctype html><html>Log in</html>", None, "org/name@main", "login page"),
        (200, "{}", None, "org/name@main", "login page"),
    ] {
        for end in ["/revision/main", "/resolve/main/config.json"] {
            let (cache, hub) = (folder(), Hub::of_folder(&fixture(STS)));
            hub.behave(Behaviour {
                errors: vec![(end.to_owned(), status, page.to_owned())],
                ..Behaviour::default()
            });
            let mut options = options(cache.path(), &hub);
            options.token = with_token.clone();
            let error = Model::open(NAME, &options).unwrap_err();
            assert!(error.to_string().contains(message), "{status} {end}: {error}");
            let found = error.hint().unwrap_or_default();
            // That a file which the list names is not there has no known cause.
            let is_explained = !(status == 404 && end.ends_with("config.json"));
            assert_eq!(found.contains(hint), is_explained, "{status} {end}: {found}");
        }
    }
}

#[test]
fn what_cannot_work_is_refused_before_the_hub_is_asked() {
    let (cache, hub) = (folder(), Hub::of_folder(&fixture(STS)));
    let file = cache.path().join("file");
    fs::write(&file, "").unwrap();
    let good = options(cache.path(), &hub);
    let with = |edit: &dyn Fn(&mut HubOptions)| {
        let mut options = good.clone();
        edit(&mut options);
        let error = Model::open(NAME, &options).unwrap_err();
        (error.to_string(), error.hint().unwrap_or_default())
    };
    let token = |text: &'static str| move |it: &mut HubOptions| it.token = Token::new(text);
    let (message, hint) = with(&token("hf_x y"));
    assert!(message.contains("' '") && hint.contains("unset it"), "{message} {hint}");
    let (message, hint) = with(&|it: &mut HubOptions| it.endpoint = Some("huggingface.co".to_owned()));
    assert!(message.contains("https://") && hint.contains("HF_ENDPOINT"), "{message} {hint}");
    let (message, hint) = with(&|it: &mut HubOptions| it.cache = Some(file.join("hub")));
    assert!(message.contains("file/hub") && hint.contains("HF_HOME"), "{message} {hint}");
    assert!(hub.requests().is_empty());
    // A line break in the middle of a token, as a terminal's selection leaves it, is dropped.
    let mut options = good.clone();
    options.token = Token::new("hf_te\nst\r\n");
    Model::open(NAME, &options).unwrap();
    assert!(hub.requests().iter().all(|it| it.authorization.as_deref() == Some("Bearer hf_test")));
}

#[test]
fn a_host_without_a_name_or_a_listener_is_the_networks_fault() {
    for (endpoint, hint) in
        [("http://127.0.0.1:9", "check the network"), ("http://hub.invalid", "cannot be resolved")]
    {
        let cache = folder();
        let hub = Hub::with([("x", "y")]);
        let mut options = options(cache.path(), &hub);
        options.endpoint = Some(endpoint.to_owned());
        let error = Model::open(NAME, &options).unwrap_err();
        assert!(error.to_string().contains(endpoint), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{error}: {:?}", error.hint());
    }
}
