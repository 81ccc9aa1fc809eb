"""The folder of bundles behind Ray Serve: the same routes, on as many replicas as a cluster has room for.

    python docs/examples/ray_serve.py artifacts/models --replicas 2 [--address 127.0.0.1:6379] [--port 8000]

Every node needs Millrace and the folder at that path. Without --address a cluster of this machine is started.
Ends, and takes the service down, with Ctrl-C or SIGTERM.
"""

import argparse
import signal
from pathlib import Path

import ray
from ray import serve

from serving.app import create_app
from serving.front import Front
from serving.repository import load_repository


def deployment(folder: Path, replicas: int) -> serve.Application:
    """The whole service as one deployment; a replica loads the models where it runs, and watches them."""

    def build() -> Front:
        return create_app(load_repository(folder))

    served = serve.deployment(serve.ingress(build)())
    return served.options(
        name="millrace", num_replicas=replicas, max_ongoing_requests=100, ray_actor_options={"num_cpus": 1}
    ).bind()


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", type=Path)
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--address")
    parser.add_argument("--port", type=int, default=8000)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ray.init(address=args.address, include_dashboard=None if args.address else False)
    serve.start(http_options={"host": "127.0.0.1", "port": args.port})
    serve.run(deployment(args.models.resolve(), args.replicas), name="millrace", route_prefix="/")
    print(f"http://127.0.0.1:{args.port}  try it;  /docs  the API;  /v2  Open Inference Protocol", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        serve.shutdown()


if __name__ == "__main__":
    main()
