//! Key exchanges: the secret that both sides make.
