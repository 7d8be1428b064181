//! The layer table against made-up workspaces, each with one arrow that must not be.

use super::*;
use serde_json::json;

/// A workspace in which `from` depends on `dependency`, and all other crates on nothing.
fn workspace(from: &str, dependency: Value) -> Value {
    let packages: Vec<Value> = HOUSE
        .iter()
        .map(|floor| {
            let dependencies = if floor.package == from { vec![dependency.clone()] } else { Vec::new() };
            json!({"name": floor.package, "manifest_path": "Cargo.toml", "dependencies": dependencies})
        })
        .collect();
    json!({ "packages": packages })
}

fn refused(from: &str, dependency: Value) -> bool {
    let violations = check(&workspace(from, dependency));
    assert!(violations.len() <= 1, "{violations:?}");
    violations.len() == 1
}

#[test]
fn an_arrow_upward_is_refused() {
    assert!(refused("tidemark-raft", json!({"name": "tidemark-log", "kind": null})));
    assert!(refused("tidemark-replica", json!({"name": "tidemark-protocol", "kind": null})));
    assert!(refused("tidemark-log", json!({"name": "tidemark-server", "kind": null})));
    assert!(refused("tidemark-server", json!({"name": "tidemark-sim", "kind": null})));
    assert!(refused("xtask", json!({"name": "tidemark-model", "kind": null})));
    assert!(!refused("tidemark-server", json!({"name": "tidemark-log", "kind": null})));
}

#[test]
fn an_arrow_for_tests_or_builds_counts_too() {
    assert!(refused("tidemark-log", json!({"name": "tidemark-sim", "kind": "dev"})));
    assert!(refused("tidemark-raft", json!({"name": "tidemark-log", "kind": "build"})));
}

#[test]
fn a_core_has_no_runtime_and_no_io() {
    for library in ["tokio", "rand", "tracing", "serde", "madsim", "tempfile"] {
        assert!(
            refused("tidemark-controller", json!({"name": library, "kind": null, "features": []})),
            "{library}"
        );
    }
    assert!(!refused("tidemark-controller", json!({"name": "imbl", "kind": null})));
    assert!(!refused("tidemark-controller", json!({"name": "proptest", "kind": "dev"})));
}

#[test]
fn tokio_above_the_runtime_is_channels_and_traits() {
    let tokio = |feature: &str| json!({"name": "tokio", "kind": null, "features": [feature]});
    for feature in ["rt", "rt-multi-thread", "time", "net", "fs", "full", "process", "signal"] {
        assert!(refused("tidemark-server", tokio(feature)), "{feature}");
    }
    assert!(!refused("tidemark-server", tokio("sync")));
    assert!(!refused("tidemark-runtime-tokio", tokio("rt-multi-thread")));
}

#[test]
fn only_adapters_reach_the_machine() {
    for library in BANNED_LIBRARIES {
        assert!(refused("tidemark-server", json!({"name": library, "kind": null})), "{library}");
    }
    assert!(!refused("tidemark-runtime-tokio", json!({"name": "rustix", "kind": null})));
}

#[test]
fn a_crate_without_a_floor_is_refused() {
    let workspace =
        json!({"packages": [{"name": "tidemark-attic", "manifest_path": "Cargo.toml", "dependencies": []}]});
    assert_eq!(check(&workspace).len(), 1);
    assert_eq!(check(&json!({})).len(), 1);
}

#[test]
fn the_table_has_no_cycle() {
    for (index, floor) in HOUSE.iter().enumerate() {
        for below in floor.house {
            let at = HOUSE.iter().position(|other| other.package == *below);
            assert!(at.is_some_and(|at| at < index), "{} → {below}", floor.package);
        }
    }
}
