//! Virtual routers that are Active together or not at all.

use std::pin::Pin;
use std::task::Poll;

use vrrp_net::{Command, Standings, VirtualRouter};
use vrrp_proto::{Fault, Reason, State};

use super::judge::UNHEALTHY;
use crate::config;

/// What a member can have by itself.
const OWN: [Fault; 5] = [Fault::LINK_DOWN, Fault::NO_ADDRESS, Fault::CHECK, Fault::OPERATOR, UNHEALTHY];

/// Keeps the members of a group together: a fault of one is a fault of all, and when one takes over the others follow.
pub(super) async fn together(config: config::Keeper, place: usize, routers: Vec<VirtualRouter>) {
    let Some(group) = config.groups.get(place) else { return };
    let members: Vec<VirtualRouter> =
        group.members.iter().filter_map(|place| routers.get(*place).cloned()).collect();
    let mut grouped: Vec<bool> = vec![false; members.len()];
    let mut states: Vec<State> = vec![State::Initialize; members.len()];
    loop {
        let own_fault = |router: &VirtualRouter| {
            let reason = router.standings().borrow().status.standing.reason;
            matches!(reason, Reason::Faulty(faults) if OWN.iter().any(|fault| faults.contains(*fault)))
        };
        let faulty: Vec<bool> = members.iter().map(own_fault).collect();
        for (n, member) in members.iter().enumerate() {
            let others = faulty.iter().enumerate().any(|(other, faulty)| other != n && *faulty);
            let raised = grouped.get_mut(n);
            match raised {
                Some(raised) if *raised != others => {
                    *raised = others;
                    let fault = Fault::GROUP;
                    member.command(if others { Command::Raise(fault) } else { Command::Clear(fault) }).ok();
                }
                _ => {}
            }
        }
        let now: Vec<State> =
            members.iter().map(|member| member.standings().borrow().status.standing.state).collect();
        for (n, (before, after)) in states.iter().zip(&now).enumerate() {
            if before == after {
                continue;
            }
            let others =
                members.iter().enumerate().filter(|(other, _)| *other != n).map(|(_, member)| member);
            match (before, after) {
                (_, State::Active) => others.for_each(|other| _ = other.command(Command::Promote)),
                (State::Active, State::Backup) => others.for_each(|other| _ = other.command(Command::Yield)),
                _ => {}
            }
        }
        states = now;
        let mut changes: Vec<Standings> = members.iter().map(VirtualRouter::standings).collect();
        let any = changes.iter_mut().map(|standings| Box::pin(standings.changed()));
        let changed = first(any).await;
        if changed.is_err() {
            return;
        }
    }
}

/// The first of several to be ready.
async fn first<F: Future + Unpin>(futures: impl Iterator<Item = F>) -> F::Output {
    let mut futures: Vec<F> = futures.collect();
    std::future::poll_fn(move |context| {
        for future in &mut futures {
            if let Poll::Ready(output) = Pin::new(future).poll(context) {
                return Poll::Ready(output);
            }
        }
        Poll::Pending
    })
    .await
}
