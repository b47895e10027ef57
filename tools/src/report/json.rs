//! The figures for programs.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::{Report, Row, Summary};

pub(super) fn render(report: &Report) -> Result<String> {
    let introduce = |server: &super::Introduction| json!({ "name": server.name, "version": server.banner, "cpu_by": server.accounting });
    let value = json!({
        "machine": report.machine,
        "load": { "before": report.load_before, "after": report.load_after },
        "rounds": report.rounds,
        "servers": report.servers.iter().map(introduce).collect::<Vec<_>>(),
        "results": report.rows.iter().map(|row| result(report, row)).collect::<Vec<_>>(),
        "notes": report.notes,
    });
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

fn result(report: &Report, row: &Row) -> Value {
    let mut servers = Map::new();
    for (name, values) in &row.values {
        if let Some(it) = Summary::of(values) {
            let figures =
                json!({ "median": it.median, "min": it.min, "max": it.max, "values": values });
            servers.insert(name.clone(), figures);
        }
    }
    json!({ "work": row.title, "unit": row.unit, "servers": servers, "ratio": report.ratio(row) })
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn every_value_is_there() {
        let value: Value = serde_json::from_str(&render(&example()).unwrap()).unwrap();
        assert_eq!(value["results"][0]["ratio"], 0.5);
        assert_eq!(
            value["results"][0]["servers"]["ours"]["values"],
            json!([1.0, 3.0, 2.0])
        );
        assert_eq!(value["servers"][1]["version"], "OpenSSH_1");
    }
}
