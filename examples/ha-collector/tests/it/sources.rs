//! Every kind of source, as those who send meet it.

mod connections;
mod files;
mod local;
mod passed;
