//! Gratuitous ARP and unsolicited neighbour advertisements: frames, schedule, sender, conflict watch.
