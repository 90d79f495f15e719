//! The dependency graph: from where trouble can reach a service, flow by flow.

use std::collections::{BTreeSet, VecDeque};

use crate::engine::moment::Moment;
use crate::model::check::{Flow, ServiceSpec};

/// Flows, the gravest first: what is named when several are cut.
const FLOWS: [Flow; 5] =
    [Flow::SignIn, Flow::Traffic, Flow::UserNames, Flow::UserGroups, Flow::NewAccounts];

/// The bit of a flow in a set of flows.
pub(super) fn bit(flow: Flow) -> u8 {
    match flow {
        Flow::NewAccounts => 1,
        Flow::SignIn => 2,
        Flow::UserGroups => 4,
        Flow::UserNames => 8,
        Flow::Traffic => 16,
    }
}

/// What is cut for others by a cell's own checks in trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cut {
    /// Flows of confirmed trouble.
    pub(super) hard: u8,
    /// Flows of all trouble.
    pub(super) any: u8,
    /// Start of that trouble.
    pub(super) since: Option<Moment>,
}

/// A service upstream and what comes from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) flow: Flow,
    pub(super) column: usize,
}

/// Who can be reached by whose trouble. Edges of a cycle are followed once.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// Per column: its sources, gravest flow first, the farthest (the root) first.
    sources: Vec<Vec<Source>>,
    /// Per column: the columns that must be looked at when it changes.
    followers: Vec<Vec<usize>>,
}

impl Graph {
    pub(super) fn new(services: &[ServiceSpec]) -> Self {
        let column = |key| services.iter().position(|s| s.key == key);
        let edges = |of: usize, flow: Flow| {
            let depends = services.get(of).map_or(&[][..], |s| s.depends.as_slice());
            depends
                .iter()
                .filter(move |e| e.flow == flow)
                .filter_map(|e| column(e.from.clone()))
                .collect::<Vec<_>>()
        };
        let mut graph = Self::default();
        for to in 0..services.len() {
            let mut sources = Vec::new();
            for flow in FLOWS {
                let mut seen = BTreeSet::from([to]);
                let mut queue = VecDeque::from([to]);
                let mut found = Vec::new();
                while let Some(at) = queue.pop_front() {
                    for from in edges(at, flow) {
                        if seen.insert(from) {
                            found.push(Source { flow, column: from });
                            queue.push_back(from);
                        }
                    }
                }
                sources.extend(found.into_iter().rev());
            }
            graph.sources.push(sources);
        }
        graph.followers = (0..services.len())
            .map(|from| {
                let reached = |s: &Vec<Source>| s.iter().any(|s| s.column == from);
                let all = graph.sources.iter().enumerate();
                all.filter(|(_, s)| reached(s)).map(|(to, _)| to).collect()
            })
            .collect();
        graph
    }

    pub(super) fn sources(&self, column: usize) -> &[Source] {
        self.sources.get(column).map_or(&[], Vec::as_slice)
    }

    pub(super) fn followers(&self, column: usize) -> &[usize] {
        self.followers.get(column).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::check::Edge;

    fn service(key: &str, depends: &[(Flow, &str)]) -> ServiceSpec {
        ServiceSpec {
            key: key.parse().unwrap(),
            label: key.to_owned(),
            code: String::new(),
            checks: Vec::new(),
            depends: depends
                .iter()
                .map(|(flow, from)| Edge { flow: *flow, from: from.parse().unwrap() })
                .collect(),
        }
    }

    #[test]
    fn trouble_travels_along_its_own_flow_only() {
        use Flow::{NewAccounts, SignIn};
        let g = Graph::new(&[
            service("gc", &[]),
            service("wl", &[(NewAccounts, "gc")]),
            service("j2", &[(SignIn, "wl"), (NewAccounts, "wl"), (SignIn, "not_there")]),
        ]);
        let found: Vec<_> = g.sources(2).iter().map(|s| (s.flow, s.column)).collect();
        assert_eq!(found, [(SignIn, 1), (NewAccounts, 0), (NewAccounts, 1)]);
        assert_eq!(g.followers(0), [1, 2]);
        assert!(g.sources(0).is_empty() && g.followers(2).is_empty());
    }

    #[test]
    fn a_ring_ends() {
        use Flow::SignIn;
        let ring = [
            service("a", &[(SignIn, "b"), (SignIn, "a")]),
            service("b", &[(SignIn, "c")]),
            service("c", &[(SignIn, "a")]),
        ];
        let g = Graph::new(&ring);
        for column in 0..3 {
            assert_eq!(g.sources(column).len(), 2, "everybody else, never itself");
            assert!(g.sources(column).iter().all(|s| s.column != column));
        }
    }
}
