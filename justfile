# The daily commands. `just` lists them; `cargo install just`, or your system's package, brings it.

_list:
    @{{ just_executable() }} --justfile {{ justfile() }} --list --unsorted

# Serve, and serve anew on each change of the source (cargo install --locked watchexec-cli)
dev *ARGS:
    watchexec --restart --watch src --watch migrations --watch Cargo.toml --stop-timeout 15s -- cargo run -- {{ ARGS }}

# Run a command of the program: `just run store list`
run *ARGS:
    cargo run --release -- {{ ARGS }}

# The tests, or those whose name has this in it
test *NAME:
    cargo test {{ NAME }}

# Format, and what the compiler and clippy say
check:
    cargo fmt
    cargo clippy --all-targets -- -D warnings

# After a change of a query or a migration
queries:
    .ci/prepare-queries

# After a wanted change of the API
openapi:
    INSTA_UPDATE=always cargo test --test api -- openapi::

# The types of the pages, and their tests in a browser
pages:
    .ci/browser

# Every gate a change passes
gates:
    .ci/run

# Stores, menus and past orders in the server's database
seed *ARGS:
    cargo run --release -p tableorder-loadtest -- seed {{ ARGS }}

# How fast it is
bench *ARGS:
    cargo build --release
    cargo run --release -p tableorder-loadtest -- bench {{ ARGS }}

# The load of many restaurants at dinner time
peak *ARGS:
    cargo build --release
    cargo run --release -p tableorder-loadtest -- peak {{ ARGS }}

# The long chaos test: no event is lost or delivered twice (takes minutes)
chaos:
    cargo test --release --test chaos a_long_chaos -- --ignored --nocapture

# The long rolling upgrade behind nginx: no request fails (apt install nginx-light)
rolling-upgrade:
    cargo test --release --test chaos rolling -- --ignored --nocapture

# The container image
image:
    docker build -t tableorder .
