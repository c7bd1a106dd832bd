# Debian, not Alpine: the prebuilt binding of the package `netlink` is linked against glibc.
FROM node:20-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY checks checks
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:20-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends iputils-ping nftables tini \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/lvsd
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
RUN ln -s /opt/lvsd/dist/src/main.js /usr/local/bin/lvsd && chmod 755 dist/src/main.js \
 && mkdir -p /etc/lvsd /var/lib/lvsd /run/lvsd

# Root, since neither Docker nor Kubernetes gives added capabilities to another user. All that it needs of root:
#   docker run --network host --cap-drop ALL --cap-add NET_ADMIN --cap-add NET_RAW \
#     -v /etc/lvsd:/etc/lvsd:ro -v lvsd-state:/var/lib/lvsd lvsd
# The modules ip_vs and those of the schedulers are the host's: load them there.
VOLUME /var/lib/lvsd
STOPSIGNAL SIGTERM
# 3 is the answer that something is down: the agent itself is well then.
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s \
  CMD lvsd status > /dev/null 2>&1 || [ $? -eq 3 ]
ENTRYPOINT ["tini", "--", "lvsd"]
CMD ["run", "-c", "/etc/lvsd/config.yaml"]

LABEL org.opencontainers.image.title="lvsd" \
      org.opencontainers.image.description="Health-checking agent for Linux Virtual Server directors" \
      org.opencontainers.image.licenses="MIT"
