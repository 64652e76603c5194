//! Raw VRRP sockets and a tokio driver for one or many VRRP routers.
