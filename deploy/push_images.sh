#!/bin/sh
# Push build/loantap-TARGET.tar into loantap/TARGET of a registry as COMMIT-BUILD, with the login of docker or skopeo there.
#
#   deploy/push_images.sh REGISTRY BUILD TARGET...
set -eu
cd "$(dirname "$0")/.."
registry=$1 build=$2
shift 2
for target; do
  archive=docker-archive:build/loantap-$target.tar
  config=$(skopeo inspect --config "$archive" | tr -d ' \n')
  commit=$(echo "$config" | sed -n 's/.*"org.opencontainers.image.revision":"\([0-9a-f]\{12\}\)[0-9a-f]\{28\}".*/\1/p')
  case $commit,$config in
    ,*) echo "$target: expected an image of a commit; commit the changes and build it again: make image TARGET=$target" >&2; exit 2 ;;
    *'"architecture":"amd64"'*) ;;
    *) echo "$target: expected an image for amd64, on which tasks run: make image TARGET=$target PLATFORM=linux/amd64" >&2; exit 2 ;;
  esac
  skopeo copy --quiet --retry-times 3 "$archive" "docker://$registry/loantap/$target:$commit-$build"
  echo "$registry/loantap/$target:$commit-$build"
done
