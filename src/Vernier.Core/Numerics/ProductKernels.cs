using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Numerics;

/// <summary>A way to run products on some machines: a register tile in the blocked loops.</summary>
internal sealed record ProductKernel<T>(string Name, bool IsSupported, Action<ProductTask<T>> Run)
    where T : unmanaged;

/// <summary>
/// The kernels of the matrix products, fastest first. The first that the machine supports is used, unless the environment
/// variable <see cref="Variable"/> names another that it supports.
/// </summary>
internal static class ProductKernels
{
    /// <summary>The environment variable that forces a kernel by its name.</summary>
    public const string Variable = "VERNIER_PRODUCT_KERNEL";

    /// <summary>The kernels in single precision.</summary>
    public static IReadOnlyList<ProductKernel<float>> Single { get; } = All<Simd512, Simd256, Simd128, SimdScalar, float>();

    /// <summary>The kernels in double precision.</summary>
    public static IReadOnlyList<ProductKernel<double>> Double { get; } = All<Double512, Double256, Double128, DoubleScalar, double>();

    private static readonly Lazy<ProductKernel<float>> s_single = new(() => Choose(Single, Environment.GetEnvironmentVariable(Variable)));
    private static readonly Lazy<ProductKernel<double>> s_double = new(() => Choose(Double, Environment.GetEnvironmentVariable(Variable)));

    /// <summary>The kernel in use for single precision.</summary>
    /// <exception cref="InvalidOperationException">The variable names none, or one that this machine can't run.</exception>
    public static ProductKernel<float> SelectedSingle => s_single.Value;

    /// <summary>The kernel in use for double precision.</summary>
    /// <exception cref="InvalidOperationException">The variable names none, or one that this machine can't run.</exception>
    public static ProductKernel<double> SelectedDouble => s_double.Value;

    /// <summary>Finds the kernel that a name forces; the fastest where there is no name.</summary>
    /// <exception cref="InvalidOperationException">There is no such kernel, or this machine can't run it.</exception>
    public static ProductKernel<T> Choose<T>(IReadOnlyList<ProductKernel<T>> kernels, string? name)
        where T : unmanaged
    {
        if (string.IsNullOrEmpty(name))
            return kernels.First(kernel => kernel.IsSupported);
        ProductKernel<T>? forced = kernels.FirstOrDefault(kernel => kernel.Name == name);
        string usable = string.Join(", ", kernels.Where(kernel => kernel.IsSupported).Select(kernel => kernel.Name));
        string problem = forced is null ? "there is no such kernel" : "this machine does not have its instructions";
        return forced is { IsSupported: true } ? forced
            : throw new InvalidOperationException($"{Variable}={name}: {problem}. There are: {usable}.");
    }

    /// <summary>Runs <paramref name="task"/> with the kernel in use.</summary>
    public static void Run<T>(ProductTask<T> task)
        where T : unmanaged
    {
        if (task is ProductTask<float> single)
            SelectedSingle.Run(single);
        else if (task is ProductTask<double> precise)
            SelectedDouble.Run(precise);
        else
            throw new NotSupportedException($"No matrix product of {typeof(T)}.");
    }

    // 32 vector registers hold 24 accumulators; 16 hold 12.
    private static ProductKernel<T>[] All<V512, V256, V128, VScalar, T>()
        where V512 : struct, ISimdVector<V512, T>
        where V256 : struct, ISimdVector<V256, T>
        where V128 : struct, ISimdVector<V128, T>
        where VScalar : struct, ISimdVector<VScalar, T>
        where T : unmanaged, INumber<T> =>
        [
            Kernel<Tile12<V512, T>, T>("avx512", Vector512.IsHardwareAccelerated && Avx512F.IsSupported),
            Kernel<Tile6<V256, T>, T>("fma", Vector256.IsHardwareAccelerated && Fma.IsSupported),
            Kernel<Tile12<V128, T>, T>("neon", Vector128.IsHardwareAccelerated && AdvSimd.Arm64.IsSupported),
            Kernel<Tile6<V128, T>, T>("vector128", Vector128.IsHardwareAccelerated),
            Kernel<Tile6<VScalar, T>, T>("scalar", true),
        ];

    private static ProductKernel<T> Kernel<TTile, T>(string name, bool supported)
        where TTile : struct, IMatrixTile<T>
        where T : unmanaged, INumber<T> => new(name, supported, task => new BlockedProduct<TTile, T>(task).Run());
}
