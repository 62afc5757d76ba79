using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <content>What becomes of the codes of a step: they are multiplied, or stored as levels.</content>
internal sealed unsafe partial class PanelKernel<M, V, P, L, F> : IPanelKernel
{
    private struct DotSink(L lookup, int* x) : IQuadSink<P>
    {
        private readonly L _lookup = lookup;
        private int* _x = x;

        public V Low = V.Broadcast(0), High = V.Broadcast(0);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Quad(P codes)
        {
            V activations = V.Broadcast(*_x++);
            P levels = _lookup.Levels(codes);
            Low = M.Dot(Low, levels.Low, activations);
            High = M.Dot(High, levels.High, activations);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Pair(P first, P second)
        {
            P levels = _lookup.Levels(first), next = _lookup.Levels(second);
            V activations = V.Broadcast(_x[0]), following = V.Broadcast(_x[1]);
            Low = V.AddInt32(Low, M.Dot(M.Dot(V.Broadcast(0), levels.Low, activations), next.Low, following));
            High = V.AddInt32(High, M.Dot(M.Dot(V.Broadcast(0), levels.High, activations), next.High, following));
            _x += 2;
        }
    }

    /// <summary>As <see cref="DotSink"/>, where granules choose their table.</summary>
    private struct ChoiceSink(L lookup, int* x, P table) : IQuadSink<P>
    {
        private readonly L _lookup = lookup;
        private readonly P _table = table;
        private int* _x = x;

        public V Low = V.Broadcast(0), High = V.Broadcast(0);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Quad(P codes)
        {
            V activations = V.Broadcast(*_x++);
            P levels = _lookup.Levels(P.Select(CodeMask, codes, _table));
            Low = M.Dot(Low, levels.Low, activations);
            High = M.Dot(High, levels.High, activations);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Pair(P first, P second)
        {
            P levels = _lookup.Levels(P.Select(CodeMask, first, _table)), next = _lookup.Levels(P.Select(CodeMask, second, _table));
            V activations = V.Broadcast(_x[0]), following = V.Broadcast(_x[1]);
            Low = V.AddInt32(Low, M.Dot(M.Dot(V.Broadcast(0), levels.Low, activations), next.Low, following));
            High = V.AddInt32(High, M.Dot(M.Dot(V.Broadcast(0), levels.High, activations), next.High, following));
            _x += 2;
        }
    }

    private struct StoreSink(L lookup, byte* levels, P table) : IQuadSink<P>
    {
        private readonly L _lookup = lookup;
        private readonly P _table = table;
        private byte* _levels = levels;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Quad(P codes)
        {
            P.Store(_levels, _lookup.Levels(P.Select(CodeMask, codes, _table)));
            _levels += PanelPlan.QuadBytes;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Pair(P first, P second)
        {
            P.Store(_levels, _lookup.Levels(P.Select(CodeMask, first, _table)));
            P.Store(_levels + PanelPlan.QuadBytes, _lookup.Levels(P.Select(CodeMask, second, _table)));
            _levels += 2 * PanelPlan.QuadBytes;
        }
    }
}
