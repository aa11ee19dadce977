//! The real specs: those that are checked in, and the vendor's own revisions where they are at hand.

use super::*;

/// Reports on the vendor's real revisions, without the vendor's sentences.
#[test]
fn the_reports_on_the_vendors_revisions_are_as_reviewed() {
    let documents = workspace_root().join("../shared/upstream/moov");
    if !documents.is_dir() {
        eprintln!("skipped: {} is not here", documents.display());
        return;
    }
    let at = |revision: &str| Origin::File(documents.join(format!("{revision}.yaml")));
    let revisions = ["2024-10-18", "2025-01-15", "2025-01-25", "2025-06-10"];
    for pair in revisions.windows(2) {
        let request = Request {
            vendor: Some("moov".into()),
            input: Input::From(at(pair[1])),
            base: Some(at(pair[0])),
            mode: Mode::Drift,
            ..Request::default()
        };
        let answer = run(&workspace_root(), &request);
        assert_eq!(answer.outcome, Outcome::Grave, "{}", answer.err);
        let lines =
            answer.out.lines().map(|line| if line.starts_with("    | ") { "    | (text)" } else { line });
        let mut lines: Vec<&str> = lines.collect();
        lines.dedup_by(|a, b| a == b && a.ends_with("| (text)"));
        insta::assert_snapshot!(format!("moov_{}", pair[1]), lines.join("\n"));
    }
}

#[test]
fn the_checked_in_specs_are_what_regen_would_write() {
    let answer = check(&workspace_root());
    assert_eq!(answer.outcome, Outcome::Same, "{}{}", answer.err, answer.out);
}

#[test]
fn the_vendors_own_documents_end_in_a_result_or_a_clear_error() {
    let documents = workspace_root().join("../shared/upstream/moov");
    if !documents.is_dir() {
        eprintln!("skipped: {} is not here", documents.display());
        return;
    }
    let regen = |revision: &str| {
        let request = Request {
            vendor: Some("moov".into()),
            input: Input::From(Origin::File(documents.join(format!("{revision}.yaml")))),
            mode: Mode::Check,
            ..Request::default()
        };
        run(&workspace_root(), &request)
    };

    let answer = regen("2024-10-18");
    assert_eq!(answer.outcome, Outcome::Grave);
    assert!(answer.out.contains("POST /oauth2/revoke is gone"), "{}", answer.out);
    assert!(answer.out.contains("fn revoke_access_token"), "{}", answer.out);
    assert!(answer.err.contains("no POST /oauth2/revoke (revokeAccessToken)"), "{}", answer.err);

    let answer = regen("2025-01-15");
    assert!(answer.err.contains("revokeAuthToken is called revokeAccessToken here"), "{}", answer.err);
    for (revision, answer) in [("2025-01-15", answer), ("2025-01-25", regen("2025-01-25"))] {
        assert_ne!(answer.outcome, Outcome::Same, "{revision}");
        assert!(answer.out.contains("+++ b/specs/moov/upstream.yaml"), "{}", answer.out);
        assert!(answer.out.contains("+      - opaque"), "{}", answer.out);
        assert_eq!(answer.outcome, Outcome::Grave, "{revision}");
        if answer.err.contains("regen would write nothing") {
            assert!(answer.err.contains("specs/moov/overlay.yaml: actions["), "{}", answer.err);
        }
    }

    let answer = regen("2025-06-10");
    assert_eq!(answer.outcome, Outcome::Same, "{}{}", answer.err, answer.out);
}
