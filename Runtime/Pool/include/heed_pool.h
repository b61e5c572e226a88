#pragma once
#include "heed_abi.h"
