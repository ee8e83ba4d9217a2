// SPDX-License-Identifier: MIT
// End-to-end tests run one after the other: an emulated machine wants the host's processors for itself.

using Xunit;

[assembly: CollectionBehavior(DisableTestParallelization = true)]
