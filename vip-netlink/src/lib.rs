//! Hold an address on a Linux interface, let it go, both safely twice; watch links and addresses.
