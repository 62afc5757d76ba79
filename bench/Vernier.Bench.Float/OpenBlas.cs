using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Bench;

/// <summary>
/// The peer: OpenBLAS, loaded by name or from the file that the environment variable VERNIER_OPENBLAS gives.
/// On a machine with 512-bit registers its kernels are those of SkylakeX, unless VERNIER_OPENBLAS_CORE names others: an old build
/// does not know a new processor and would fall back to 256 bits.
/// </summary>
internal static unsafe partial class OpenBlas
{
    private const string Library = "openblas";
    private const int RowMajor = 101, NoTranspose = 111, Transpose = 112, Lower = 122;

    /// <summary>Loads the library and gives it <paramref name="threads"/> threads; false if it is not on this machine.</summary>
    public static bool TryLoad(int threads)
    {
        // Environment.SetEnvironmentVariable does not reach native code on Unix.
        string? core = Environment.GetEnvironmentVariable("VERNIER_OPENBLAS_CORE") ?? (Avx512F.IsSupported ? "SkylakeX" : null);
        if (core is not null && !OperatingSystem.IsWindows())
            SetEnvironment("OPENBLAS_CORETYPE", core, 1);
        string?[] names = [Environment.GetEnvironmentVariable("VERNIER_OPENBLAS"), "libopenblas.so.0", "openblas", "libopenblas"];
        foreach (string? name in names)
        {
            if (name is null || !NativeLibrary.TryLoad(name, out nint handle))
                continue;
            NativeLibrary.SetDllImportResolver(typeof(OpenBlas).Assembly, (wanted, _, _) => wanted == Library ? handle : 0);
            SetThreads(threads);
            return true;
        }
        return false;
    }

    /// <summary>The version and the kernels in use.</summary>
    public static string Description() => Marshal.PtrToStringUTF8(Config())!.Trim() + ", kernels " + Marshal.PtrToStringUTF8(CoreName());

    /// <summary>C = op(A) op(B), with C of m x n and k terms; all row-major and contiguous.</summary>
    public static void Multiply(float[] a, bool transposeA, float[] b, bool transposeB, float[] c, int m, int n, int k)
    {
        fixed (float* pa = a, pb = b, pc = c)
            Sgemm(RowMajor, transposeA ? Transpose : NoTranspose, transposeB ? Transpose : NoTranspose, m, n, k, 1, pa, transposeA ? m
                : k, pb, transposeB ? k : n, 0, pc, n);
    }

    /// <summary>H += X^T X in the lower triangle, with X of samples x size and H of size x size.</summary>
    public static void AddGram(float[] x, float[] h, int size, int samples)
    {
        fixed (float* px = x, ph = h)
            Ssyrk(RowMajor, Lower, Transpose, size, samples, 1, px, size, 1, ph, size);
    }

    /// <summary>The Cholesky factor of a row-major symmetric matrix, in its lower triangle (LAPACK's upper, column-major).</summary>
    public static int Cholesky(float[] a, int size)
    {
        int info;
        byte upper = (byte)'U';
        fixed (float* pa = a)
            Spotrf(&upper, &size, pa, &size, &info);
        return info;
    }

    /// <summary>The same for row-major double matrices.</summary>
    public static int Cholesky(double[] a, int size)
    {
        int info;
        byte upper = (byte)'U';
        fixed (double* pa = a)
            Dpotrf(&upper, &size, pa, &size, &info);
        return info;
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    [LibraryImport(Library, EntryPoint = "openblas_set_num_threads")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void SetThreads(int threads);

    [LibraryImport(Library, EntryPoint = "openblas_get_config")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Config();

    [LibraryImport(Library, EntryPoint = "openblas_get_corename")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint CoreName();

    [LibraryImport(Library, EntryPoint = "cblas_sgemm")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void Sgemm(int order, int transposeA, int transposeB, int m, int n, int k, float alpha, float* a, int lda,
        float* b, int ldb, float beta, float* c, int ldc);

    [LibraryImport(Library, EntryPoint = "cblas_ssyrk")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void Ssyrk(int order, int triangle, int transpose, int n, int k, float alpha, float* a, int lda, float beta,
        float* c, int ldc);

    [LibraryImport(Library, EntryPoint = "spotrf_")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void Spotrf(byte* triangle, int* n, float* a, int* lda, int* info);

    [LibraryImport(Library, EntryPoint = "dpotrf_")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void Dpotrf(byte* triangle, int* n, double* a, int* lda, int* info);
}
