using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>A way to multiply packed matrices with 8-bit activations; all give the same bits.</summary>
/// <param name="Name">Its name, by which the environment variable VERNIER_KERNEL forces it.</param>
/// <param name="Summary">The instructions that it uses.</param>
/// <param name="IsSupported">Whether this machine can run it.</param>
/// <param name="MostEntries">The most entries of a table that it looks codes up in.</param>
/// <param name="TableEntries">How many levels it takes of a table of so many entries, which is repeated where it has fewer.</param>
/// <param name="Create">Makes the kernel for stored bits and table entries, 0 where stored bytes are levels.</param>
internal sealed record IntegerKernel(string Name, string Summary, bool IsSupported, int MostEntries, Func<int, int> TableEntries, Func<int,
    int, IPanelKernel> Create);

/// <summary>The integer kernels, the fastest first. Tests and benchmarks enumerate them.</summary>
internal static class KernelRegistry
{
    /// <summary>The environment variable that forces a kernel.</summary>
    public const string Variable = "VERNIER_KERNEL";

    private static readonly Lazy<IntegerKernel> s_best = new(() => Choose(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>All kernels.</summary>
    public static IReadOnlyList<IntegerKernel> All { get; } =
    [
        new("vnni-512", "AVX-VNNI products, AVX-512 VBMI lookups", AvxVnni.IsSupported && Permute64.IsSupported
            && Vector512.IsHardwareAccelerated, 256, entries => Math.Max(16, entries),
            (bits, entries) => entries <= 64 ? Of<Vnni512Machine, Bytes256, Bytes512, Permute64>(bits)
                : entries <= 128 ? Of<Vnni512Machine, Bytes256, Bytes512, Permute128>(bits)
                    : new PanelKernel<Vnni512Machine, Bytes256, Bytes512, Permute256, Codes8>()),
        new("vnni-256", "AVX-VNNI products, AVX2 lookups", AvxVnni.IsSupported && Avx2.IsSupported, 128, Shuffled,
            (bits, entries) => entries <= 16 ? OfPair<VnniMachine, Bytes256, Shuffle16x256>(bits)
                : OfPair<VnniMachine, Bytes256, Shuffle128x256>(bits)),
        new("avx2", "AVX2", Avx2.IsSupported, 128, Shuffled,
            (bits, entries) => entries <= 16 ? OfPair<Avx2Machine, Bytes256, Shuffle16x256>(bits)
                : OfPair<Avx2Machine, Bytes256, Shuffle128x256>(bits)),
        new("arm-dot", "Arm dot product", Dp.IsSupported, 128, Shuffled,
            (bits, entries) => entries <= 16 ? OfPair<ArmDotMachine, Bytes128, Shuffle16x128>(bits)
                : OfPair<ArmDotMachine, Bytes128, Shuffle128x128>(bits)),
        new("portable", "vectors of 128 bits, or none", true, 128, Shuffled,
            (bits, entries) => entries <= 16 ? OfPair<PortableMachine, Bytes128, Shuffle16x128>(bits)
                : OfPair<PortableMachine, Bytes128, Shuffle128x128>(bits)),
    ];

    /// <summary>The fastest kernel of this machine, or the one that <see cref="Variable"/> names.</summary>
    /// <exception cref="InvalidOperationException">The variable names none, or one that this machine can't run.</exception>
    public static IntegerKernel Best => s_best.Value;

    /// <summary>Finds the kernel that a name forces; the fastest where there is no name.</summary>
    /// <exception cref="InvalidOperationException">There is no such kernel, or this machine can't run it.</exception>
    internal static IntegerKernel Choose(string? name)
    {
        if (string.IsNullOrEmpty(name))
            return All.First(kernel => kernel.IsSupported);
        IntegerKernel? forced = All.FirstOrDefault(kernel => kernel.Name == name);
        string usable = string.Join(", ", All.Where(kernel => kernel.IsSupported).Select(kernel => kernel.Name));
        return forced is { IsSupported: true } ? forced
            : throw new InvalidOperationException(
                $"{Variable}={name}: {(forced is null ? "there is no such kernel" : "this machine does not have its instructions")}. "
                + $"There are: {usable}.");
    }

    // One shuffle, or eight.
    private static int Shuffled(int entries) => entries <= 16 ? 16 : 128;

    private static IPanelKernel OfPair<M, V, L>(int bits)
        where M : struct, IDotMachine<V>
        where V : struct, IByteVector<V>
        where L : struct, ILevelLookup<L, V> => Of<M, V, RegisterPair<V>, PairLookup<L, V>>(bits);

    private static IPanelKernel Of<M, V, P, L>(int bits)
        where M : struct, IDotMachine<V>
        where V : struct, IByteVector<V>
        where P : struct, IRegisterPair<P, V>
        where L : struct, ILevelLookup<L, P> => bits switch
        {
            2 => new PanelKernel<M, V, P, L, Codes2>(),
            3 => new PanelKernel<M, V, P, L, Codes3>(),
            4 => new PanelKernel<M, V, P, L, Codes4>(),
            5 => new PanelKernel<M, V, P, L, Codes5>(),
            6 => new PanelKernel<M, V, P, L, Codes6>(),
            _ => new PanelKernel<M, V, P, DirectLevels<P>, Codes8>(),
        };
}
