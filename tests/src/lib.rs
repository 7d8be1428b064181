//! Stock clients over real sockets, kill and reopen, golden bytes.
