#!/bin/sh
# Build one image into build/loantap-TARGET.tar, with Docker where its engine answers, else with buildah, which needs none.
#
#   deploy/build_image.sh api|dashboard|report
#
# BASE=IMAGE builds on another base, PLATFORM=linux/amd64 for another machine; CACHE=REPOSITORY keeps the layers of every stage there
# (with Docker's buildx, whose builder reads the present base each time).
set -eu
cd "$(dirname "$0")/.."
target=${1:-}
case $target in
  api | dashboard | report) ;;
  *) echo "expected api, dashboard or report, got '$target'" >&2; exit 2 ;;
esac
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
commit=$(git rev-parse HEAD)
[ -z "$(git status --porcelain)" ] || commit=$commit+changes # such an image cannot be pushed
name=localhost/loantap-$target:$version
out=build/loantap-$target.tar
mkdir -p build
set -- --file deploy/Dockerfile --target "$target" --build-arg VERSION="$version" --build-arg COMMIT="$commit" --tag "$name"
[ -z "${PLATFORM:-}" ] || set -- "$@" --platform "$PLATFORM"
[ -z "${BASE:-}" ] || set -- "$@" --build-arg BASE="$BASE"
if [ -n "${CACHE:-}" ]; then
  docker buildx build "$@" --cache-from "type=registry,ref=$CACHE:$target" \
    --cache-to "type=registry,ref=$CACHE:$target,mode=max,image-manifest=true,oci-mediatypes=true" --output "type=docker,dest=$out.part" .
elif docker info >/dev/null 2>&1; then
  docker build "$@" .
  docker save --output "$out.part" "$name"
elif command -v buildah >/dev/null; then
  # Docker's format, since the other one has no health check.
  buildah build --isolation "${BUILDAH_ISOLATION:-chroot}" --format docker --layers "$@" .
  rm -f "$out.part"
  buildah push --quiet "$name" "docker-archive:$out.part:$name"
else
  echo "expected Docker's engine or buildah, found neither. Install one: apt-get install buildah" >&2
  exit 1
fi
mv "$out.part" "$out"
echo "$out"
