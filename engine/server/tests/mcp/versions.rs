//! Revisions of the protocol.

use serde_json::json;

use crate::agent::{Agent, meta};
use crate::corpus::Desk;

#[test]
fn row_141_a_request_names_a_revision_that_is_known() {
    let desk = Desk::new();
    for is_settled in [false, true] {
        let mut agent = Agent::new(desk.toolset());
        if is_settled {
            agent.result("tools/list", json!({}));
        }
        let mut other = meta();
        other["io.modelcontextprotocol/protocolVersion"] = json!("1900-01-01");
        let id = agent.start_as_it_is("tools/list", &json!({ "_meta": other }));
        let answer = agent.next();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(id), &json!(-32022)), "{answer}");
        let supported = answer["error"]["data"]["supported"].as_array().unwrap();
        assert!(supported.contains(&json!("2026-07-28")), "{answer}");
        agent.start_as_it_is("tools/list", &json!({}));
        let answer = agent.next();
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        assert!(agent.result("tools/list", json!({}))["tools"].is_array());
    }
}

#[test]
fn row_141_older_clients_have_their_handshake() {
    let desk = Desk::new();
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut agent = Agent::new(desk.toolset());
        let params = json!({
            "protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "old", "version": "1"},
        });
        agent.start_as_it_is("initialize", &params);
        let answer = agent.next();
        assert_eq!(answer["result"]["protocolVersion"], version, "{answer}");
        assert_eq!(answer["result"]["serverInfo"]["name"], "nearsay");
        assert!(answer["result"]["instructions"].as_str().unwrap().len() < 1000);
        agent.send_line(r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#);
        agent.start_as_it_is("ping", &json!({}));
        assert_eq!(agent.next()["result"], json!({}));
        agent.start_as_it_is("tools/call", &json!({"name": "search", "arguments": {"query": "bread"}}));
        let answer = agent.next();
        assert!(!answer["result"]["structuredContent"]["hits"].as_array().unwrap().is_empty(), "{answer}");
        // The revisions before 2026-07-28 do not know this field.
        assert!(answer["result"].get("resultType").is_none(), "{answer}");
        agent.start_as_it_is("resources/read", &json!({"uri": "nearsay://notes/none"}));
        assert_eq!(agent.next()["error"]["code"], -32002);
    }
}
