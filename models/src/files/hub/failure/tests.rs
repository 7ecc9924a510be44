use super::*;

fn of(error: &ApiError) -> (String, String) {
    let asked = Asked {
        file: "model.safetensors",
        endpoint: "http://hub",
        token: None,
        cache: Path::new("/cache/blobs"),
    };
    match Failure::of_api(error, &asked) {
        Failure::Failed { reason, hint, .. } => (reason, hint.unwrap_or_default()),
        Failure::Stopped => panic!("stopped"),
    }
}

fn io(kind: io::ErrorKind) -> io::Error {
    io::Error::new(kind, "a reason")
}

#[test]
fn a_failure_to_write_is_about_the_cache_and_its_cause() {
    for (kind, part) in [
        (io::ErrorKind::StorageFull, "free space"),
        (io::ErrorKind::QuotaExceeded, "free space"),
        (io::ErrorKind::PermissionDenied, "cannot be written to"),
        (io::ErrorKind::ReadOnlyFilesystem, "cannot be written to"),
        (io::ErrorKind::NotADirectory, "a file is in the place"),
        (io::ErrorKind::InvalidFilename, ""),
    ] {
        for error in
            [ApiError::IoError(io(kind)), ApiError::TooManyRetries(Box::new(ApiError::IoError(io(kind))))]
        {
            let (reason, hint) = of(&error);
            assert!(reason.contains("/cache/blobs") && reason.contains("a reason"), "{reason}");
            assert!(hint.contains(part) && hint.is_empty() == part.is_empty(), "{kind:?}: {hint}");
        }
    }
}

#[test]
fn a_failure_on_the_way_is_about_the_network_or_what_is_there() {
    let request = |error| ApiError::RequestError(Box::new(error));
    let reset = || io(io::ErrorKind::ConnectionReset);
    for (error, part) in [
        (ApiError::IoError(reset()), "check the network"),
        (request(ureq::Error::Io(reset())), "check the network"),
        (request(ureq::Error::ConnectionFailed), "check the network"),
        (request(ureq::Error::HostNotFound), "cannot be resolved"),
        (request(ureq::Error::Tls("bad certificate")), "certificate"),
        (request(ureq::Error::InvalidProxyUrl), "HTTPS_PROXY"),
        (request(ureq::Error::ConnectProxyFailed("407".to_owned())), "HTTPS_PROXY"),
        (request(ureq::Error::BadUri("x".to_owned())), "HF_ENDPOINT"),
        (request(ureq::Error::Io(io(io::ErrorKind::StorageFull))), "free space"),
        (ApiError::MissingHeader("etag"), "login page"),
        (ApiError::LockAcquisition("/cache/blobs/x.lock".into()), "another program"),
    ] {
        let (reason, hint) = of(&error);
        assert!(hint.contains(part), "{error}: {hint}");
        assert!(!reason.is_empty());
    }
}
