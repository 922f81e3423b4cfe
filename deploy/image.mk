# The container image, and what runs of it; docs/container.md says more.
IMAGE ?= sentiserve
TAG ?= $(or $(shell git describe --always --dirty 2>/dev/null),latest)# of what is pushed
STAGE ?= runtime# or model, or deps
BUNDLE ?=# a directory, hf:ORG/NAME@REV or s3://BUCKET/PREFIX; the default bundle if empty
LOCK ?= core# or hub, for an image that can fetch bundles itself; or otel, for one that can trace
PIP_CONF ?=# a pip.conf that says where packages come from
BUILD_NETWORK ?= default
BUILD_FLAGS ?=# what else docker build is to be told: --no-cache, --build-arg BASE=…
PLATFORMS ?=# linux/amd64,linux/arm64: needs a builder that can do both

# What a bundle elsewhere is asked with, if it is set: as secrets, which are in no layer.
CREDENTIALS := HF_TOKEN HF_ENDPOINT AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN \
	AWS_DEFAULT_REGION AWS_ENDPOINT_URL
AWS_FILE := $(wildcard $(or $(AWS_SHARED_CREDENTIALS_FILE),~/.aws/credentials))
secret = --secret 'id=$1,$2'
secrets = $(foreach name,$(CREDENTIALS),$(if $($(name)),$(call secret,$(name),env=$(name)))) \
	$(if $(AWS_FILE),$(call secret,aws,src=$(AWS_FILE)))
bundle = $(if $(filter hf:% s3://%,$(BUNDLE)),--build-arg MODEL_FROM=pulled --build-arg MODEL=$(BUNDLE) $(secrets), \
	$(if $(BUNDLE),--build-context bundle=$(BUNDLE)))
build = docker build --file deploy/Dockerfile --network $(BUILD_NETWORK) --build-arg LOCK=$(LOCK) $(bundle) \
	$(if $(PIP_CONF),$(call secret,pip,src=$(PIP_CONF))) $(if $(PLATFORMS),--platform $(PLATFORMS)) \
	$(if $(REGISTRY),$(foreach stage,model deps runtime,$(call cached,$(stage)))) \
	--build-arg VERSION=$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) \
	--build-arg REVISION=$(shell git rev-parse HEAD 2>/dev/null) $(BUILD_FLAGS)
name = $(IMAGE)$(if $(filter-out runtime,$1),-$1)

pushed = $(REGISTRY)/$(call name,$1)
cached = --cache-from 'type=registry,ref=$(call pushed,$1):cache'

.PHONY: image image-push image-report up down

image:  ## build the container image, or one STAGE of it: make image [BUNDLE=hf:ORG/NAME@REV]
	$(build) --target $(STAGE) --tag $(call name,$(STAGE)) .

image-push: $(addprefix image-push-,model deps runtime)  ## push the stages: make image-push REGISTRY=host/team

image-push-%:
	@test -n "$(REGISTRY)" || { echo "say where to: make image-push REGISTRY=host/team"; exit 1; }
	$(build) --target $* --push --cache-to type=inline \
		--tag $(call pushed,$*):$(TAG) --tag $(call pushed,$*):cache .

up: image .env  ## start the service and Redis from containers, and wait until they are healthy
	docker compose up --detach --wait || { docker compose logs --tail 20; exit 1; }

down:  ## stop them; their data stays
	docker compose down

.env:
	@umask 077 && key=$$(head -c 24 /dev/urandom | base64 | tr +/ -_) && test "$$key" \
		&& echo "SENTISERVE_API_KEYS=$$key" > $@
	@echo "wrote .env with a new key: requests need -H 'Authorization: Bearer KEY', those to make serve too"

image-report:  ## measure what a change costs, layer by layer, beside an image of one stage
	$(PYTHON) benchmarks/image.py --network $(BUILD_NETWORK)
