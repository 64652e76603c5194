//! Branches of log paths: `if`, `log` in `log`, `junction`. Those that lead to destinations become paths of their own.

use super::{MOST_PATHS, Path};
use crate::import::filter::Expr;
use crate::import::pipeline::{Route, Step};
use crate::import::report::{Group, Reported as _};
use crate::import::syslog_ng::filters::Lost;
use crate::import::syslog_ng::lex::Bracket;
use crate::import::syslog_ng::statement::{Call, split};
use crate::import::syslog_ng::translate::Translator;
use crate::import::syslog_ng::tree::{Node, Slice};

impl Translator<'_> {
    /// `if (…) { … } elif (…) { … } else { … };`
    pub(super) fn log_if(&mut self, statement: &[Node], path: &mut Path) {
        let place = Slice(statement).place();
        let mut branches: Vec<(Expr, Path)> = Vec::new();
        let mut otherwise = None;
        let mut rest = statement;
        while let [Node::Text(word), after @ ..] = rest {
            let (condition, body, left) = match after {
                [Node::Brackets(condition), Node::Brackets(body), left @ ..]
                    if condition.bracket == Bracket::Round && !word.is("else") =>
                {
                    (Some(condition), body, left)
                }
                [Node::Brackets(body), left @ ..] if body.bracket == Bracket::Curly => (None, body, left),
                _ => break,
            };
            rest = left;
            let mut inner = Path { sources: path.sources.clone(), depth: path.depth + 1, ..Path::default() };
            self.log_body(&body.nodes, &mut inner);
            inner.sources = path.sources.clone();
            if let Some(why) = &inner.lost {
                path.lost.get_or_insert_with(|| why.clone());
            }
            match condition {
                Some(condition) => match self.condition(&condition.nodes) {
                    Ok(expr) => branches.push((expr, inner)),
                    Err(Lost) => drop(path.lost.get_or_insert_with(|| Slice(statement).shown())),
                },
                None if word.is("else") => otherwise = Some(inner),
                None => {
                    // The condition is what the branch itself begins with.
                    let filters =
                        inner.steps.iter().take_while(|step| matches!(step, Step::Filter(..))).count();
                    let when: Vec<Step> = inner.steps.drain(..filters).collect();
                    let when = when.into_iter().filter_map(|step| match step {
                        Step::Filter(expr, _) => Some(expr),
                        _ => None,
                    });
                    let when = Expr::all(when.collect());
                    for (steps, _) in &mut inner.reached {
                        *steps = steps.saturating_sub(filters);
                    }
                    if inner.steps.iter().any(|step| !matches!(step, Step::Inline(..)) || filters == 0) {
                        self.report.changed(
                            &Slice(statement),
                            "only the filters at the beginning of a branch decide whether it is taken",
                        );
                    }
                    branches.push((when, inner));
                }
            }
        }
        if !rest.is_empty() || branches.is_empty() {
            self.report.say(Group::Wrong, place, Slice(statement).shown(), "this is no `if (…) { … };`");
            path.lost.get_or_insert_with(|| Slice(statement).shown());
            return;
        }
        // Destinations in branches are ways of their own.
        let mut others: Vec<Expr> = Vec::new();
        let all = branches
            .iter()
            .map(|(when, inner)| (Some(when), inner))
            .chain(otherwise.iter().map(|inner| (None, inner)));
        for (when, inner) in all {
            for (steps, ids) in &inner.reached {
                let mut terms: Vec<Expr> = others.iter().cloned().map(Expr::negated).collect();
                terms.extend(when.cloned());
                let mut way = path.steps.clone();
                way.push(Step::Filter(Expr::all(terms), place));
                way.extend(inner.steps.get(..*steps).unwrap_or_default().iter().cloned());
                let id = self.path_ids.id(&format!("log-{}", self.pipeline.paths.len() + 1));
                let mut all = path.overrides.clone();
                all.extend(way);
                let flags =
                    path.flags.iter().chain(&inner.flags).copied().filter(|flag| *flag != "final").collect();
                if !ids.is_empty() && self.pipeline.paths.len() < MOST_PATHS {
                    self.pipeline.paths.push(Route {
                        id,
                        sources: path.sources.clone(),
                        steps: all,
                        destinations: ids.clone(),
                        flags,
                        place,
                    });
                }
            }
            others.extend(when.cloned());
        }
        let nothing = branches.iter().all(|(_, inner)| inner.steps.is_empty())
            && otherwise.as_ref().is_none_or(|inner| inner.steps.is_empty());
        if !nothing {
            let branches = branches.into_iter().map(|(when, inner)| (when, inner.steps)).collect();
            let otherwise = otherwise.map(|inner| inner.steps).unwrap_or_default();
            path.steps.push(Step::If { branches, otherwise, place });
        }
        self.report.translated(&Slice(statement));
    }

    /// A `log` within a `log`: a way of its own that begins where it stands.
    pub(super) fn branch(&mut self, statement: &[Node], call: &Call<'_>, path: &mut Path) {
        let Some(body) = call.curly else {
            self.report.say(Group::Wrong, call.place(), call.shown(), "this needs a block");
            return;
        };
        let mut inner =
            Path { depth: path.depth + 1, reached: Vec::new(), flags: Vec::new(), ..path.clone() };
        let before = self.pipeline.paths.len();
        self.log_body(&body.nodes, &mut inner);
        if inner.flags.contains(&"final") {
            self.report.changed(
                &Slice(statement),
                "`final` holds for all paths that follow, not only for those beside it",
            );
        }
        let flow = path.flags.contains(&"flow-control") && !inner.flags.contains(&"flow-control");
        inner.flags.extend(flow.then_some("flow-control"));
        self.finish(inner, Slice(statement), before);
    }

    /// `junction { channel { … }; … };`
    pub(super) fn junction(&mut self, call: &Call<'_>, path: &mut Path) {
        let Some(body) = call.curly else {
            self.report.say(Group::Wrong, call.place(), call.shown(), "this needs a block");
            return;
        };
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        let mut exclusive = true;
        let mut open = false;
        let channels = split(&body.nodes, self.report);
        let last = channels.len().saturating_sub(1);
        for (n, statement) in channels.into_iter().enumerate() {
            let Some(channel) =
                Call::of(statement).filter(|call| call.word() == "channel" && call.curly.is_some())
            else {
                self.report.say(
                    Group::Wrong,
                    Slice(statement).place(),
                    Slice(statement).shown(),
                    "a junction has channels",
                );
                continue;
            };
            let Some(body) = channel.curly else { continue };
            let mut inner = Path { sources: path.sources.clone(), depth: path.depth + 1, ..Path::default() };
            self.log_body(&body.nodes, &mut inner);
            if let Some(why) = inner.lost {
                path.lost.get_or_insert(why);
            }
            for (steps, ids) in inner.reached {
                let mut way = path.overrides.clone();
                way.extend(path.steps.iter().cloned());
                way.extend(inner.steps.get(..steps).unwrap_or_default().iter().cloned());
                let id = self.path_ids.id(&format!("log-{}", self.pipeline.paths.len() + 1));
                if !ids.is_empty() && self.pipeline.paths.len() < MOST_PATHS {
                    let flags = path.flags.iter().copied().filter(|flag| *flag != "final").collect();
                    self.pipeline.paths.push(Route {
                        id,
                        sources: path.sources.clone(),
                        steps: way,
                        destinations: ids,
                        flags,
                        place: channel.place(),
                    });
                }
            }
            exclusive &= inner.flags.contains(&"final") || n == last;
            let filters = inner.steps.iter().take_while(|step| matches!(step, Step::Filter(..))).count();
            let mut rest = inner.steps;
            let when: Vec<Expr> = rest
                .drain(..filters)
                .filter_map(|step| match step {
                    Step::Filter(expr, _) => Some(expr),
                    _ => None,
                })
                .collect();
            if n == last && filters == 0 {
                (otherwise, open) = (rest, true);
            } else {
                branches.push((Expr::all(when), rest));
            }
            self.report.translated(&channel);
        }
        if exclusive || branches.len() + usize::from(!otherwise.is_empty()) < 2 {
            self.report.translated(call);
        } else {
            let why = "the first channel whose filters hold is taken, as if each had flags(final); a message does not go through several";
            self.report.changed(call, why);
        }
        // What no channel takes goes no further.
        if !open && !branches.is_empty() {
            otherwise = vec![Step::Filter(Expr::Or(Vec::new()), call.place())];
        }
        if !branches.is_empty() {
            path.steps.push(Step::If { branches, otherwise, place: call.place() });
        } else {
            path.steps.append(&mut otherwise);
        }
    }
}
