//! `opener SOCKET COUNT`: opens connections and hands them over its standard input, a Unix socket, to whoever started
//! it; then stays until that is closed. See `aws_vault_tests::elsewhere`.

use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use aws_vault_tests::elsewhere;

fn main() -> io::Result<()> {
    let mut words = std::env::args().skip(1);
    let (Some(socket), Some(count)) = (words.next(), words.next().and_then(|count| count.parse().ok()))
    else {
        return Err(io::Error::other("usage: opener SOCKET COUNT"));
    };
    let mut starter = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let streams: io::Result<Vec<_>> = (0_usize..count).map(|_| UnixStream::connect(&socket)).collect();
    for stream in streams? {
        elsewhere::pass(&starter, &stream)?;
    }
    let _ = starter.read(&mut [0])?;
    Ok(())
}
