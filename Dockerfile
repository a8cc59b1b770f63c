# No build stage: Node runs the TypeScript as it stands.
FROM node:24-slim
ENV NODE_ENV=production GATEHOUSE_LISTEN__HOST=0.0.0.0 GATEHOUSE_DATA_DIR=/app/data
WORKDIR /app

# The image brings its own Node, so the one that package.json pins for bare machines goes again. The other optional
# packages stay: the password hash is one of them.
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/node-linux-* node_modules/.bin/node \
  && npm cache clean --force

COPY gateway gateway
COPY adapters adapters
COPY views views
COPY config config

RUN mkdir -m 0700 data && chown node:node data
USER node
VOLUME /app/data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.GATEHOUSE_LISTEN__PORT || 3000) + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "gateway/main.ts"]
