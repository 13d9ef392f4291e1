// The whole public API.
#pragma once

#include <rushlight/bench.h>
#include <rushlight/dataset.h>
#include <rushlight/device.h>
#include <rushlight/doctor.h>
#include <rushlight/error.h>
#include <rushlight/init.h>
#include <rushlight/io.h>
#include <rushlight/loss.h>
#include <rushlight/memory_plan.h>
#include <rushlight/metrics.h>
#include <rushlight/module.h>
#include <rushlight/optimizer.h>
#include <rushlight/sequential.h>
#include <rushlight/step_plan.h>
#include <rushlight/trainer.h>
#include <rushlight/version.h>
