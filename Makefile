# Heed. `make demo` shows what it does, `make test` checks all of it; both need nothing but a Swift toolchain on Debian.
# LLVM_VERSION=22 builds against another LLVM; SWIFT names another toolchain's driver.

SWIFT ?= swift
export LLVM_VERSION ?= 19
MODEL ?= $(CURDIR)/.cache/all-MiniLM-L6-v2
RECIPE ?= examples/recipes/sailing/fine-tuning.yaml
TRAINED ?= $(CURDIR)/.cache/$(basename $(notdir $(RECIPE)))
RELEASE = --configuration release -Xswiftc -warnings-as-errors

.PHONY: all demo fuzz models examples example examples-list pictures-tools train test test-dependency lint test-asan test-tsan test-random test-combinations test-dsl test-mutations test-gradients test-memory test-training test-faults soak \
  install model example-data build clean

all: build

## Shows the compiler at work on naive attention, and a real sentence encoder.
demo: install model
	@$(SWIFT) build $(RELEASE) --product demo
	@.build/release/demo $(MODEL)

## Compiles and runs the models of examples/models, and prints what fused and how far each is from its reference.
models: install
	@$(SWIFT) build $(RELEASE) --product models
	@.build/release/models

## Runs the examples: ideas about attention that measure their claims, judged in a table at the end; `make example NAME=scaling` runs one.
examples: pictures-tools
	@$(SWIFT) build $(RELEASE) --product tour
	@HEED_MODEL=$(or $(HEED_MODEL),$(MODEL)) .build/release/tour run $(NAME) --pictures .build/pictures $(if $(SHORT),--short)
	@echo "pictures: .build/pictures"

example: examples

examples-list: install
	@$(SWIFT) build $(RELEASE) --product tour
	@.build/release/tour list

## Fine-tunes the encoder on sentence pairs, shows how well held-out pairs are found before and after, and embeds with the result.
train: install model
	@$(SWIFT) build $(RELEASE) --product heed
	@.build/release/heed train $(RECIPE) --model $(MODEL) --output $(TRAINED) $(if $(wildcard $(TRAINED).run/checkpoint-*),--resume)
	@echo ".build/release/heed embed --model $(TRAINED) --input FILE.jsonl embeds with it; its folder loads in sentence-transformers too."

## Builds for release and runs every test (debug is twelve times slower).
test: install example-data
	@scripts/fetch-model.sh $(MODEL) || { test -z "$(HEED_MODEL)" && echo "make: no model: its tests are skipped" >&2; }
	@$(SWIFT) build $(RELEASE) --build-tests
	@$(SWIFT) test $(RELEASE) --skip-build --disable-xctest $(if $(FILTER),--filter '$(FILTER)')
	@$(if $(FILTER),true,scripts/test-dependency.sh)

## That a package of its own can depend on Heed, and that the programs of README.md and docs/guide.md build, run and print what they
## say.
test-dependency: install
	@scripts/test-dependency.sh

## What CI asks of the text of the sources.
lint:
	@$(SWIFT) format lint --strict --recursive Package.swift IR Runtime Sources Tests $(wildcard examples Fuzz)

# The suite in parts, for sanitizers, by the names of test targets.
PART_1 = ^(HeedIR|HeedArrays|HeedSystem|HeedDSL|HeedData|HeedAnalysis|HeedSchedule|HeedPasses|HeedInterpreter|HeedKernel|HeedCodegen|HeedRuntime|HeedModels|HeedRecipes)Tests
PART_2 = ^(Filetest|HeedLowering|HeedCommand|ModelExamples)Tests
PART_3 = ^(Heed|TrainingLoop|Tour)Tests
PART_4 = ^DifferentialTests
SANITIZED = test --configuration release --disable-xctest --filter '$(or $(FILTER),$(if $(PART),$(PART_$(PART)),.))'

## The suite under AddressSanitizer and LeakSanitizer, generated code included; PART=1 to 4 runs a part of it.
test-asan: install
	@HEED_SANITIZE=address $(SWIFT) $(SANITIZED) --sanitize address --scratch-path .build-asan

## The suite under ThreadSanitizer; PART=1 to 4 runs a part of it.
test-tsan: install
	@$(SWIFT) $(SANITIZED) --sanitize thread --scratch-path .build-tsan

## More random graphs than the suite has, of other seeds: RANDOM_GRAPHS=1000 RANDOM_SEED=1000.
test-random: install
	@$(SWIFT) build $(RELEASE) --build-tests
	@HEED_RANDOM_GRAPHS=$(or $(RANDOM_GRAPHS),1000) HEED_RANDOM_SEED=$(or $(RANDOM_SEED),1000) \
	  $(SWIFT) test $(RELEASE) --skip-build --disable-xctest --filter DifferentialTests.RandomGraphTests

## More combinations of shapes, element types, masks and schedules, and more random masks against every pair of theirs, than the suite
## has: COMBINATIONS=20 times as many.
test-combinations: install
	@$(SWIFT) build $(RELEASE) --build-tests
	@HEED_COMBINATIONS=$(or $(COMBINATIONS),20) $(SWIFT) test $(RELEASE) --skip-build --disable-xctest \
	  --filter 'ShapeTests|GalleryTests|IntervalExtensionTests'

## More spellings of attention changed at random places than the suite has, through all passes: MUTATIONS=20000 MUTATION_SEED=1.
test-mutations: install
	@$(SWIFT) build $(RELEASE) --build-tests
	@HEED_MUTATIONS=$(or $(MUTATIONS),20000) HEED_MUTATION_SEED=$(or $(MUTATION_SEED),1) \
	  $(SWIFT) test $(RELEASE) --skip-build --disable-xctest --filter PatternMutationTests

## Random inputs that look for faults, MINUTES=1 by each of the FUZZERS="text code files calls differential". Findings are kept in .fuzz.
## Before that, whether it finds faults that were put where it looks, and the inputs that once found one.
fuzz: install
	@HEED_FUZZ=1 $(SWIFT) build $(RELEASE) --product fuzz
	@.build/release/fuzz self-test > /dev/null
	@.build/release/fuzz corpus
	@.build/release/fuzz run $(FUZZERS) --minutes $(or $(MINUTES),1) $(if $(SEED),--seed $(SEED))

## More random calls of the language with good and bad arguments than the suite has: CALLS=200000 from DSL_SEED=1. A trap ends the run;
## the last seed printed is near, and DSL_SEED=N CALLS=1 repeats a graph, naming its calls.
test-dsl: install
	@$(SWIFT) build $(RELEASE) --build-tests
	@HEED_DSL_CALLS=$(or $(CALLS),200000) $(if $(DSL_SEED),HEED_DSL_SEED=$(DSL_SEED)) \
	  $(SWIFT) test $(RELEASE) --skip-build --disable-xctest --filter HeedDSLTests.RandomCallTests

## Derivatives of more random graphs than the suite has, of other seeds: GRADIENTS=5000 GRADIENT_SEED=1000.
test-gradients: install
	@$(SWIFT) build $(RELEASE) --build-tests
	@HEED_GRADIENTS=$(or $(GRADIENTS),5000) HEED_GRADIENT_SEED=$(or $(GRADIENT_SEED),1000) \
	  $(SWIFT) test $(RELEASE) --skip-build --disable-xctest --filter HeedIRTests.RandomGradientTests

## Training runs that are killed more often than in the suite, KILLS=20, and 10,000 steps: memory stays flat, and steps do not slow down.
test-training: install
	@$(SWIFT) build $(RELEASE) --build-tests
	@HEED_KILLS=$(or $(KILLS),20) HEED_LONG_RUNS=1 $(SWIFT) test $(RELEASE) --skip-build --disable-xctest --filter TrainingLoopTests

## More faults than the suite injects: every kind of failure at every call of every writer, and requests for memory that fail in the programs
## of all derivatives.
test-faults: install
	@$(SWIFT) build $(RELEASE) --build-tests
	@HEED_LONG_FAULTS=1 $(SWIFT) test $(RELEASE) --skip-build --disable-xctest \
	  --filter 'AllocationFailureTests|WriteFaultTests|ScarcityTests'

## One process that works for MINUTES=60 and says each minute what it holds and how fast it is; fails where any of it drifts.
soak: install
	@$(SWIFT) build $(RELEASE) --build-tests
	@HEED_SOAK_MINUTES=$(or $(MINUTES),60) $(SWIFT) test $(RELEASE) --skip-build --disable-xctest --filter SoakTests.aLongOneIsFlat

## That attention of 65536 queries takes less than 200 MiB in all: its scores alone would be 16 GiB. And that a window of 1024 over a
## million tokens takes no more beside its arguments and result (1 GiB) than 64 MiB and what the process itself has. And that the gradients
## of 32768 tokens do so beside arguments, results and gradients (64 MiB). And that plans of steps of training are within 10 % of what the
## process takes.
test-memory: build
	@.build/release/heed bench attention --heads 1 --queries 65536 --mask causal --seconds 0 --json | \
	  awk -F'"peak_bytes": ' '{ print $$2 / 1048576 " MiB"; exit !($$2 + 0 > 0 && $$2 < 200 * 1048576) }'
	@for length in 16384 1048576; do \
	  .build/release/heed bench attention --heads 1 --queries $$length --mask window:1024 --seconds 0 --json | \
	    awk -F'"peak_bytes": ' -v length_=$$length '{ print $$2 / 1048576 - length_ / 1024 }'; \
	done | awk '{ besides[NR] = $$1 } END { \
	  print besides[2] " MiB beside a million tokens, " besides[1] " MiB beside 16384"; exit !(NR == 2 && besides[2] < besides[1] + 64) }'
	@for length in 1024 32768; do \
	  .build/release/heed bench attention --heads 1 --queries $$length --direction both --seconds 0 --json | \
	    awk -F'"peak_bytes": ' -v length_=$$length '{ print $$2 / 1048576 - length_ / 512 }'; \
	done | awk '{ besides[NR] = $$1 } END { \
	  print besides[2] " MiB beside 32768 tokens and their gradients, " besides[1] " MiB beside 1024"; \
	  exit !(NR == 2 && besides[2] < besides[1] + 64) }'
	@for options in "" "--checkpoint" "--layers 12 --batch 32" "--layers 12 --batch 64 --checkpoint" "--width 256 --heads 8" \
	  "--layers 2 --length 256 --batch 8" "--layers 12 --width 64 --batch 64"; do \
	  .build/release/heed bench training --text README.md --steps 3 --json $$options | sed 's/,/\n/g' | awk -F': ' -v options="$$options" ' \
	    /"plan_bytes"/ { plan = $$2 } /"measured_bytes"/ { measured = $$2 } \
	    END { print plan / 1048576 " MiB planned, " measured / 1048576 " measured: a step of training " options; \
	      exit !(plan > 0.9 * measured && plan < 1.1 * measured) }' || exit 1; \
	done

## The command and the library, for release.
build: install
	@$(SWIFT) build $(RELEASE)

## The Debian packages that are missing.
install:
	@scripts/install.sh

## What draws the pictures of examples.
pictures-tools: install model example-data
	@scripts/install.sh gnuplot-nox graphviz

## The data of examples, 0.5 MB; where it cannot be had, claims about it are skipped.
example-data:
	@scripts/fetch-example-data.sh $(HEED_EXAMPLE_DATA) || { test -z "$(HEED_EXAMPLE_DATA)" && echo "make: no data: what examples claim of it is skipped" >&2; }

## The pretrained model, 84 MB.
model: install
	@scripts/fetch-model.sh $(MODEL)

clean:
	@rm -rf .build .build-asan .build-tsan
