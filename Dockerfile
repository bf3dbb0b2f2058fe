# vipd in a container. The addresses that it moves are the host's, so it shares the host's network:
#
#   docker build --tag vipd .
#   docker run --detach --name vipd --restart always --network host \
#       --cap-add NET_ADMIN --cap-add NET_RAW --cap-add SYS_NICE --cap-add IPC_LOCK \
#       --volume /etc/vipd:/etc/vipd:ro --volume /run/vipd:/run/vipd vipd
#
# /etc/vipd holds vipd.yaml and the key files that it names; /run/vipd the control socket, and the lists of claimed addresses
# and of drained routers, which a container that replaces this one needs.
#
# NET_ADMIN configures addresses, NET_RAW opens the VRRP, ARP and ND sockets, SYS_NICE runs the election in real time and
# IPC_LOCK keeps it in memory. vipd refuses to start without the first two and warns without the other two. (One
# --cap-add each: Docker takes no list.) Where the kernel has cgroup version 1 and CONFIG_RT_GROUP_SCHED, realtime also
# needs --cpu-rt-runtime on the daemon and on the container.
#
# `docker stop` gives the role away in order: addresses first, then Priority 0, so the peer takes over at once.
# Everything else of the command line is there too: docker exec vipd vipd status

FROM rust:1-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY packet packet
COPY src src
RUN cargo build --locked --release --bin vipd

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="vipd" \
      org.opencontainers.image.description="A VRRP agent for paired database hosts" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /src/target/release/vipd /usr/bin/vipd
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/vipd/
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/vipd"]
CMD ["run"]
