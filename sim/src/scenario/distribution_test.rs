//! Every file of `scenarios/` draws sound scenarios, and a seed draws the same one each time.

use super::*;

fn files() -> Vec<(String, Distribution)> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_string();
            let text = std::fs::read_to_string(&path).unwrap();
            let distribution = Distribution::from_toml(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            (name, distribution)
        })
        .collect()
}

#[test]
fn every_file_draws_sound_scenarios() {
    for (name, distribution) in files() {
        assert_eq!(distribution.name, name);
        for seed in 0..200 {
            let scenario = distribution.draw(seed);
            assert_eq!(scenario.validate(), Ok(()), "{name} seed {seed}");
            assert_eq!(scenario, distribution.draw(seed));
            assert_eq!(Scenario::from_json(&scenario.to_json()), Ok(scenario));
        }
    }
}

#[test]
fn a_range_is_one_number_or_two_and_the_logarithm_reaches_its_ends() {
    #[derive(Deserialize)]
    struct Two {
        a: Range,
        b: Range,
    }
    let two: Two = toml::from_str("a = 3\nb = [0, 1000]").unwrap();
    assert_eq!((two.a, two.b), (Range(3, 3), Range(0, 1000)));
    let mut stream = Stream::new(1, "range");
    let drawn: Vec<u64> = (0..20_000).map(|_| two.b.draw_log(&mut stream)).collect();
    assert!(drawn.contains(&0) && drawn.contains(&1000) && drawn.iter().all(|n| *n <= 1000));
    assert_eq!(two.a.draw_log(&mut stream), 3);
    Range(0, u64::MAX).draw_log(&mut stream);
}

#[test]
fn a_fault_everywhere_has_nothing_that_follows_it() {
    let read = |faults: &str| {
        let text = format!("name = \"any\"\nclaim = \"\"\nbrokers = {{ count = 3 }}\n[[faults]]\n{faults}");
        Distribution::from_toml(&text).map(drop)
    };
    let kill = "action = { kill = { down_ms = 1 } }";
    assert_eq!(read(&format!("{kill}\neverywhere = true")), Ok(()));
    for how in ["then", "meanwhile"] {
        assert_eq!(read(&format!("{kill}\n{how} = [{{ {kill}, events = [\"started\"] }}]")), Ok(()));
        let why = read(&format!("{kill}\neverywhere = true\n{how} = [{{ {kill} }}]")).unwrap_err();
        assert!(why.starts_with("fault 0: `everywhere`"), "{why}");
        let why = read(&format!("{kill}\n{how} = [{{ {kill}, everywhere = true }}]")).unwrap_err();
        assert!(why.ends_with("not `everywhere`"), "{why}");
        let nested = format!("{kill}\n{how} = [{{ {kill}, {how} = [{{ {kill}, everywhere = true }}] }}]");
        assert!(read(&nested).is_err());
    }
}

#[test]
fn repeaters_leave_the_other_clients_as_they_were() {
    let clients = |more: &str| {
        let text =
            format!("name = \"any\"\nclaim = \"\"\n[load]\nwriters = [0, 2]\nreaders = [0, 2]\n{more}");
        Distribution::from_toml(&text).unwrap().draw(7).clients
    };
    let mut more = clients("repeaters = 2");
    let count = more.len();
    more.retain(|client| !matches!(client.kind, ClientKind::Repeater { .. }));
    assert_eq!(more.len(), count - 2);
    assert_eq!(more, clients(""));
}
